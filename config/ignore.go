package config

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// ignoreSeparators stand between fields to remove, in whatever script a list is
// typed.
const ignoreSeparators = ",;，、；،؛﹐﹑﹔､\r\n\t"

// ignored returns the fields to remove, without repetitions. It fails closed: a
// form that can match no field is a problem, since what was meant would stay.
func (r *reader) ignored(name string) []string {
	separates := func(c rune) bool { return strings.ContainsRune(ignoreSeparators, c) }
	return r.sound(name, strings.FieldsFunc(r.value(name), separates), func(path string) string {
		return cmp.Or(formFault(path), pathFault(path, true))
	})
}

// formFault says why a path is written in a form that can match no field, and how
// it is written instead; "" if it is not.
func formFault(path string) string {
	var what string
	elems := strings.Split(strings.TrimPrefix(path, "**."), ".")
	switch {
	case strings.ContainsFunc(path, unicode.IsSpace):
		what = "there is a blank in it"
	case strings.ContainsFunc(path, func(c rune) bool { return !unicode.IsPrint(c) }):
		what = "there is a character in it that cannot be seen"
	case strings.ContainsAny(path, "\"'`“”‘’＂＇「」"):
		what = "names are written without quotes"
	case strings.ContainsAny(path, "[]［］【】"):
		what = "there are no brackets: a path goes through arrays by itself"
	case strings.ContainsAny(path, "{}()<>（）《》"):
		what = "there are no brackets"
	case strings.ContainsAny(path, "/\\:=：＝／．。→>|｜"):
		what = "names are joined by dots, and fields by commas"
	case elems[0] == "$" || elems[0] == "@":
		what = "a path begins with the first name"
	case len(elems) > 1 && slices.ContainsFunc(elems, isNumber):
		what = "elements of arrays have no number: a path goes through arrays by itself"
	default:
		return ""
	}
	if right := rightForm(path); right != "" {
		return what + "; write " + right
	}
	return what
}

// rightForm guesses what was meant by a path in a form that is none.
func rightForm(path string) string {
	var paths []string
	for part := range strings.FieldsFuncSeq(path, func(c rune) bool {
		return unicode.IsSpace(c) || strings.ContainsRune("|｜=＝", c)
	}) {
		elems := strings.FieldsFunc(part, func(c rune) bool {
			return !unicode.IsPrint(c) || strings.ContainsRune(".\"'`“”‘’＂＇「」[]［］【】{}()<>（）《》/\\:：／．。→", c)
		})
		prefix := ""
		if len(elems) > 0 && elems[0] == "**" {
			prefix, elems = "**.", elems[1:]
		}
		elems = slices.DeleteFunc(elems, func(e string) bool { return e == "$" || e == "@" || e == "*" || isNumber(e) })
		right := prefix + strings.Join(elems, ".")
		if pathFault(right, true) != "" {
			return ""
		}
		paths = append(paths, right)
	}
	return strings.Join(paths, ",")
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
