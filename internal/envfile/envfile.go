// Package envfile reads files of environment variables, one NAME=VALUE a line.
package envfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxFile is the largest file of variables.
const maxFile = 1 << 20

// Variable is a variable of a file.
type Variable struct {
	Name, Value string
	Line        int // where it begins, from 1
}

// Read reads a file of at most 1 MB. The variables come in its order; one may
// come more than once. Errors name the file and the line. None holds a value: it
// may be a secret.
func Read(path string) ([]Variable, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s: more than 1 MB", path)
	}
	vars, line, err := parse(string(text))
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

// parse returns the variables of a file in their order, or what is wrong with
// which line.
//
// A line is NAME=VALUE, with "export" before it or not, or empty, or a comment
// that begins with #. Blanks around name and value are dropped. A value that is
// not in quotes ends with its line, and is taken as it is, a # in it included. In
// single quotes it is taken as it is, too; in double quotes \" \\ \$ stand for
// " \ $, \n for a line break, and any other backslash for itself. In quotes it
// may have several lines; behind them there may be a comment.
func parse(text string) (vars []Variable, line int, err error) {
	text = strings.TrimPrefix(text, "\ufeff") // as some editors write it
	for line = 1; text != ""; line++ {
		var l string
		l, text = cutLine(text)
		l = strings.TrimLeft(l, " \t")
		if l == "" || l[0] == '#' {
			continue
		}
		if rest, ok := strings.CutPrefix(l, "export"); ok && rest != strings.TrimLeft(rest, " \t") {
			l = strings.TrimLeft(rest, " \t")
		}
		name, value, ok := strings.Cut(l, "=")
		name, value = strings.TrimSpace(name), strings.TrimLeft(value, " \t")
		if !ok || name == "" || strings.ContainsAny(name, " \t'\"\x00") {
			if strings.TrimSpace(l) == "" {
				continue
			}
			return nil, line, errNoPair
		}
		begin := line
		if value != "" && (value[0] == '"' || value[0] == '\'') {
			if value, text, err = quoted(value, text, &line); err != nil {
				return nil, begin, err
			}
		} else {
			value = strings.TrimSpace(value)
		}
		if strings.Contains(value, "\x00") {
			return nil, begin, errNUL
		}
		vars = append(vars, Variable{name, value, begin})
	}
	return vars, 0, nil
}

// cutLine returns the first line without its end, and the rest.
func cutLine(text string) (line, rest string) {
	line, rest, _ = strings.Cut(text, "\n")
	return strings.TrimSuffix(line, "\r"), rest
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
		l, text = cutLine(text)
	}
}
