package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxEnvFile is the largest file of variables.
const maxEnvFile = 1 << 20

const envFileHelp = `A file of --env-file has one NAME=VALUE a line, "export" before it or not; lines
that begin with # are comments. A value ends with its line, and a # in it
belongs to it; blanks around it are dropped. In single quotes it is taken as it
is, in double quotes with \" \\ \$ for " \ $ and \n for a line break. A value in
quotes may have several lines. Nothing is expanded. Errors name file and line.`

// variable is a line of a file with variables.
type variable struct {
	name, value string
	line        int
}

// readEnvFile reads a file of variables. No error holds a value: it may be a
// secret.
func readEnvFile(path string) ([]variable, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxEnvFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxEnvFile {
		return nil, fmt.Errorf("%s: more than 1 MB", path)
	}
	vars, line, err := parseEnvFile(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", path, line, err)
	}
	return vars, nil
}

var (
	errNoPair     = errors.New("not of the form NAME=VALUE")
	errOpenQuote  = errors.New("the quote that begins here is not closed")
	errAfterQuote = errors.New("there is something behind the closing quote; a quote within is written \\\" in double quotes")
	errNUL        = errors.New("there is a byte 0")
)

// parseEnvFile returns the variables of a file in their order, or what is wrong
// with which line.
func parseEnvFile(text string) (vars []variable, line int, err error) {
	text = strings.TrimPrefix(text, "\ufeff") // as some editors write it
	for line = 1; text != ""; line++ {
		var l string
		l, text, _ = strings.Cut(text, "\n")
		l = strings.TrimSpace(l)
		if l == "" || l[0] == '#' {
			continue
		}
		if rest, ok := strings.CutPrefix(l, "export"); ok && rest != strings.TrimLeft(rest, " \t") {
			l = strings.TrimLeft(rest, " \t")
		}
		name, value, ok := strings.Cut(l, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || name == "" || strings.ContainsAny(name, " \t'\"\x00") {
			return nil, line, errNoPair
		}
		begin := line
		if value != "" && (value[0] == '"' || value[0] == '\'') {
			if value, text, err = quoted(value, text, &line); err != nil {
				return nil, begin, err
			}
		}
		if strings.Contains(value, "\x00") {
			return nil, begin, errNUL
		}
		vars = append(vars, variable{name, value, begin})
	}
	return vars, 0, nil
}

// quoted reads a value in quotes that begins with first and may go on in the
// text behind it. It returns what is left of that, and counts lines.
func quoted(first, text string, line *int) (value, rest string, err error) {
	quote := first[0]
	var b strings.Builder
	for l := first[1:]; ; {
		for i := 0; i < len(l); i++ {
			switch {
			case l[i] == quote:
				if behind := strings.TrimSpace(l[i+1:]); behind != "" && behind[0] != '#' {
					return "", "", errAfterQuote
				}
				return b.String(), text, nil
			case quote == '"' && l[i] == '\\' && i+1 < len(l) && strings.IndexByte(`"\$n`, l[i+1]) >= 0:
				i++
				if l[i] == 'n' {
					b.WriteByte('\n')
				} else {
					b.WriteByte(l[i])
				}
			default:
				b.WriteByte(l[i])
			}
		}
		if text == "" {
			return "", "", errOpenQuote
		}
		b.WriteByte('\n')
		*line++
		l, text, _ = strings.Cut(text, "\n")
		l = strings.TrimSuffix(l, "\r")
	}
}
