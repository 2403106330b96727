package expr

import (
	"fmt"
	"testing"
)

func TestProjectionApply(t *testing.T) {
	item := parseItem(t, `{"p":{"S":"key"},"a":{"M":{"b":{"L":[{"N":"2"},{"N":"4"},{"M":{"x":{"S":"hi"},"y":{"S":"yo"}}}]},"c":{"N":"5"}}},"a.b":{"S":"dot"},"ss":{"SS":["x"]}}`)
	for src, want := range map[string]string{
		"p":                        `{"p":{"S":"key"}}`,
		"p , ss":                   `{"p":{"S":"key"},"ss":{"SS":["x"]}}`,
		"gone":                     `{}`,
		"a.c":                      `{"a":{"M":{"c":{"N":"5"}}}}`,
		"a.b[0]":                   `{"a":{"M":{"b":{"L":[{"N":"2"}]}}}}`,
		"a.b[2].y":                 `{"a":{"M":{"b":{"L":[{"M":{"y":{"S":"yo"}}}]}}}}`,
		"a.b[1],a.b[0]":            `{"a":{"M":{"b":{"L":[{"N":"2"},{"N":"4"}]}}}}`,
		"a.b[2].x, a.b[1], a.c, p": `{"a":{"M":{"b":{"L":[{"N":"4"},{"M":{"x":{"S":"hi"}}}]},"c":{"N":"5"}}},"p":{"S":"key"}}`,
		"a.x, a.b[0], x, a.b[3].x": `{"a":{"M":{"b":{"L":[{"N":"2"}]}}}}`,
		"a.b[3]":                   `{}`,
		"a.x.y":                    `{}`,
		"a.b.x":                    `{}`,
		"a[0]":                     `{}`,
		"a.b[0].x":                 `{}`,
		"ss[0]":                    `{}`,
		"#dot, #a.#c":              `{"a":{"M":{"c":{"N":"5"}}},"a.b":{"S":"dot"}}`,
	} {
		p, err := newContext(t, `{"#dot":"a.b","#a":"a","#c":"c"}`, "").ParseProjection(src)
		if err != nil {
			t.Errorf("ParseProjection(%s): %v", src, err)
			continue
		}
		if got := p.Apply(item).String(); got != want {
			t.Errorf("projection %s: got %s, want %s", src, got, want)
		}
	}
}

func TestProjectionPaths(t *testing.T) {
	p, err := newContext(t, `{"#c":"c.d"}`, "").ParseProjection("b[1], a.#c")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(p.Paths()), "[[b, [1]] [a, c.d]]"; got != want {
		t.Errorf("Paths = %s, want %s", got, want)
	}
}

func TestProjectionErrors(t *testing.T) {
	const overlap = "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: "
	for src, want := range map[string]string{
		"":                "The expression can not be empty;",
		"!!":              `Syntax error; token: "!", near: "!!"`,
		"a,":              `Syntax error; token: "<EOF>", near: ","`,
		",a":              `Syntax error; token: ",", near: ",a"`,
		"a,,b":            `Syntax error; token: ",", near: ",,b"`,
		"a b":             `Syntax error; token: "b", near: "a b"`,
		"a, :v":           `Syntax error; token: ":v", near: ", :v"`,
		"size(a)":         `Syntax error; token: "(", near: "size(a"`,
		"#x":              "An expression attribute name used in the document path is not defined; attribute name: #x",
		"a, a":            overlap + "[a], path two: [a]",
		"a, #a":           overlap + "[a], path two: [a]",
		"a, a.b":          overlap + "[a], path two: [a, b]",
		"a.b, a":          overlap + "[a, b], path two: [a]",
		"a.b[0],a.b[0]":   overlap + "[a, b, [0]], path two: [a, b, [0]]",
		"a.b, a, a[1]":    overlap + "[a, b], path two: [a]",
		"x, a.b, y, a[1]": "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a, [1]]",
	} {
		_, err := newContext(t, `{"#a":"a"}`, "").ParseProjection(src)
		wantInvalid(t, src, err, "Invalid ProjectionExpression: "+want)
	}
}
