package gateway

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestInferredSet sets every field of Inferred by its name and compares the
// whole struct, so a new field without a name fails here.
func TestInferredSet(t *testing.T) {
	values := map[string]string{"true": "true", "STATUS": "404", "CODE": "3000", "TEXT": "Slow down"}
	settings := InferredSettings()
	fields := reflect.VisibleFields(reflect.TypeFor[Inferred]())
	if got, want := len(settings), len(fields); got != want {
		t.Fatalf("got %d settings, want one for each of the %d fields", got, want)
	}
	for i, setting := range settings {
		t.Run(setting.Name, func(t *testing.T) {
			if want := flagName(fields[i].Name); setting.Name != want {
				t.Errorf("got name %q for field %s, want %q", setting.Name, fields[i].Name, want)
			}
			if setting.Help == "" {
				t.Error("got no help, want one line")
			}
			value, ok := values[setting.Value]
			if !ok {
				t.Fatalf("got form of value %q, want one of true, STATUS, CODE, TEXT", setting.Value)
			}
			var got, want Inferred
			if err := got.Set(setting.Name, value); err != nil {
				t.Fatalf("Set(%q, %q): %v", setting.Name, value, err)
			}
			switch field := reflect.ValueOf(&want).Elem().Field(i); field.Kind() {
			case reflect.Bool:
				field.SetBool(true)
			case reflect.Int:
				field.SetInt(map[string]int64{"STATUS": 404, "CODE": 3000}[setting.Value])
			case reflect.String:
				field.SetString(value)
			}
			if got != want {
				t.Errorf("after Set(%q, %q): got %+v, want %+v", setting.Name, value, got, want)
			}
		})
	}
}

// flagName writes a field's name in a flag's style: FreshErrorRequestID is
// fresh-error-request-id.
func flagName(field string) string {
	field = strings.NewReplacer("ID", "Id", "UTF8", "Utf8").Replace(field)
	var b strings.Builder
	for i, r := range field {
		if r >= 'A' && r <= 'Z' && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

func TestInferredSetFalse(t *testing.T) {
	i := Inferred{Compression: true}
	if err := i.Set("compression", "false"); err != nil {
		t.Fatal(err)
	}
	if want := (Inferred{}); i != want {
		t.Errorf("got %+v, want %+v", i, want)
	}
}

func TestInferredSetRefuses(t *testing.T) {
	for _, test := range []struct{ name, value, want string }{
		{"compression", "yes", `compression: "yes" is neither true nor false`},
		{"compression", "", `compression: "" is neither true nor false`},
		{"unknown-stage-status", "many", `unknown-stage-status: "many" is not a positive number`},
		{"unknown-stage-status", "0", `unknown-stage-status: "0" is not a positive number`},
		{"unknown-stage-status", "200",
			"unknown-stage-status: 200 is not a status that refuses a handshake; want 300 to 599"},
		{"lifetime-close-code", "1005",
			"lifetime-close-code: a server cannot send 1005; want 1000, 1001 or 3000 to 4999"},
		{"throttled-message", "", "throttled-message: empty text"},
		{"Compression", "true", `unknown name "Compression"; want one of ` + strings.Join(InferredNames(), ", ")},
	} {
		got := Inferred{PingResetsIdle: true}
		err := got.Set(test.name, test.value)
		if err == nil || err.Error() != test.want {
			t.Errorf("Set(%q, %q): got error %v, want %s", test.name, test.value, err, test.want)
		}
		if want := (Inferred{PingResetsIdle: true}); got != want {
			t.Errorf("after a refused Set(%q, %q): got %+v, want %+v", test.name, test.value, got, want)
		}
	}
}

func TestInferredNamesAreUnique(t *testing.T) {
	names := InferredNames()
	slices.Sort(names)
	if got, want := len(slices.Compact(names)), len(InferredSettings()); got != want {
		t.Errorf("got %d different names, want %d", got, want)
	}
}

// TestInferredDocument compares the table for users with the settings.
func TestInferredDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/local-stack-inferred.md")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "| `") {
			got = append(got, line)
		}
	}
	var want []string
	for _, s := range InferredSettings() {
		want = append(want, "| `"+s.Name+"="+s.Value+"` | "+strings.Join(s.Statements, ", ")+" | "+s.Help+" |")
	}
	if !slices.Equal(got, want) {
		t.Errorf("got table\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
