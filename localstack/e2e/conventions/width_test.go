package conventions

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"strings"
	"testing"
)

const (
	// maxComment is the width of a comment on its own line, in columns. A tab
	// counts as tabWidth columns.
	maxComment = 80
	// maxCode is the width of every other line.
	maxCode  = 120
	tabWidth = 4
)

// unwrappable matches comment lines that cannot or should not be wrapped:
// directives, code and tables (indented), links and lines of one long word.
var unwrappable = regexp.MustCompile(`^//(go:|line |\t| {2,}|[a-z]+:)|^// (#|\[[^\]]+\]: )|^// \S+$`)

// longString matches a line with a string literal that may exceed maxCode:
// texts of AWS and test data are easier to find in one piece.
var longString = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.){40,}\"|`[^`]{40,}`?|^[^`]*`[,);}]*$")

func width(line string) int {
	tabs := strings.Count(line, "\t")
	return len([]rune(line)) + tabs*(tabWidth-1)
}

// wide returns the lines of a file that are too wide.
func wide(f sourceFile) (found []string) {
	inString := make(map[int]bool) // lines inside a raw string
	ast.Inspect(f.tree, func(n ast.Node) bool {
		if b, ok := n.(*ast.BasicLit); ok && b.Kind == token.STRING && strings.Contains(b.Value, "\n") {
			for l := f.set.Position(b.Pos()).Line; l <= f.set.Position(b.End()).Line; l++ {
				inString[l] = true
			}
		}
		return true
	})
	for i, line := range f.lines {
		trimmed := strings.TrimSpace(line)
		comment := strings.HasPrefix(trimmed, "//")
		switch w := width(line); {
		case inString[i+1], !comment && w <= maxCode, comment && w <= maxComment:
		case comment && unwrappable.MatchString(trimmed):
		case !comment && longString.MatchString(line):
		case comment:
			found = append(found, fmt.Sprintf("%s:%d: a comment of %d columns; wrap it at %d", f.path, i+1, w, maxComment))
		default:
			found = append(found, fmt.Sprintf("%s:%d: %d columns; break the line before %d", f.path, i+1, w, maxCode))
		}
	}
	return found
}

// packed returns the struct literals that span lines with several fields on
// one of them.
func packed(f sourceFile) (found []string) {
	ast.Inspect(f.tree, func(n ast.Node) bool {
		literal, ok := n.(*ast.CompositeLit)
		if !ok || len(literal.Elts) < 2 {
			return true
		}
		lines := make(map[int]bool)
		for _, e := range literal.Elts {
			field, ok := e.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			if _, ok := field.Key.(*ast.Ident); !ok {
				return true
			}
			lines[f.set.Position(e.Pos()).Line] = true
		}
		opened := f.set.Position(literal.Lbrace).Line
		if len(lines) > 1 && len(lines) < len(literal.Elts) || len(lines) == 1 && !lines[opened] {
			found = append(found, fmt.Sprintf("%s:%d: several fields on one line; put one field on each", f.path, opened))
		}
		return true
	})
	return found
}

// TestWidth wants comments wrapped at 80 columns, code below 120, and one field
// on each line of a struct literal that spans lines.
func TestWidth(t *testing.T) {
	goFiles(t, func(f sourceFile) {
		for _, line := range append(wide(f), packed(f)...) {
			t.Error(line)
		}
	})
}

func TestWidthFindsWhatIsTooWide(t *testing.T) {
	long := strings.Repeat("word ", 30)
	for _, tt := range []struct {
		name, source string
		want         int
	}{
		{"comment", "// " + long + "\nvar a int\n", 1},
		{"code", "var a = []int{" + strings.Repeat("1, ", 40) + "}\n", 1},
		{"long string", "var a = \"" + long + "\"\n", 0},
		{"raw string", "var a = `\n" + long + "\n`\n", 0},
		{"packed", "var a = struct{ b, c int }{\n\tb: 1, c: 2,\n}\n", 1},
		{"one line", "var a = struct{ b, c int }{b: 1, c: 2}\n", 0},
		{"one a line", "var a = struct{ b, c int }{\n\tb: 1,\n\tc: 2,\n}\n", 0},
	} {
		f, err := parse("p.go", []byte("package p\n\n"+tt.source))
		if err != nil {
			t.Fatal(err)
		}
		if found := append(wide(f), packed(f)...); len(found) != tt.want {
			t.Errorf("%s: found %q, want %d", tt.name, found, tt.want)
		}
	}
}
