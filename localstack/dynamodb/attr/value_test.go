package attr

import (
	"slices"
	"testing"
)

// parse parses a value from DynamoDB JSON.
func parse(t testing.TB, text string) Value {
	t.Helper()
	var v Value
	if err := v.UnmarshalJSON([]byte(text)); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func TestEqual(t *testing.T) {
	distinct := []string{
		`{"S":""}`, `{"S":"1"}`, `{"N":"1"}`, `{"N":"0"}`, `{"N":"-1"}`, `{"N":"10"}`, `{"B":""}`, `{"B":"MQ=="}`,
		`{"BOOL":true}`, `{"BOOL":false}`, `{"NULL":true}`, `{"L":[]}`, `{"M":{}}`,
		`{"L":[{"N":"1"}]}`, `{"L":[{"N":"1"},{"N":"1"}]}`, `{"L":[{"S":"1"}]}`, `{"M":{"a":{"N":"1"}}}`,
		`{"M":{"b":{"N":"1"}}}`,
		`{"SS":["1"]}`, `{"NS":["1"]}`, `{"BS":["MQ=="]}`, `{"NS":["1","2"]}`,
	}
	for i, a := range distinct {
		for j, b := range distinct {
			if got := parse(t, a).Equal(parse(t, b)); got != (i == j) {
				t.Errorf("%s equal to %s: got %t, want %t", a, b, got, i == j)
			}
		}
	}
	for _, same := range [][2]string{
		{`{"N":"1"}`, `{"N":"1.0"}`},
		{`{"N":"0"}`, `{"N":"-0.0e5"}`},
		{`{"SS":["a","b"]}`, `{"SS":["b","a"]}`},
		{`{"NS":["1","20"]}`, `{"NS":["2e1","1.00"]}`},
		{`{"M":{"a":{"L":[{"N":"1"}]},"b":{"S":"x"}}}`, `{"M":{"b":{"S":"x"},"a":{"L":[{"N":"1.0"}]}}}`},
	} {
		if !parse(t, same[0]).Equal(parse(t, same[1])) {
			t.Errorf("%s is not equal to %s", same[0], same[1])
		}
	}
}

func TestCompare(t *testing.T) {
	for _, test := range []struct {
		a, b  string
		order int
		ok    bool
	}{
		{`{"S":"a"}`, `{"S":"b"}`, -1, true},
		{`{"S":"a"}`, `{"S":"B"}`, 1, true},
		{`{"S":"é"}`, `{"S":"z"}`, 1, true},
		{`{"N":"9"}`, `{"N":"10"}`, -1, true},
		{`{"N":"-9"}`, `{"N":"-10"}`, 1, true},
		{`{"B":"/w=="}`, `{"B":"AA=="}`, 1, true},
		{`{"N":"1"}`, `{"N":"1.0"}`, 0, true},
		{`{"N":"1"}`, `{"S":"1"}`, 0, false},
		{`{"BOOL":true}`, `{"BOOL":false}`, 0, false},
		{`{"L":[]}`, `{"L":[]}`, 0, false},
	} {
		order, ok := Compare(parse(t, test.a), parse(t, test.b))
		if order != test.order || ok != test.ok {
			t.Errorf("Compare(%s, %s) = %d, %t, want %d, %t", test.a, test.b, order, ok, test.order, test.ok)
		}
	}
}

func TestSets(t *testing.T) {
	abc, bd := parse(t, `{"SS":["c","a","b"]}`), parse(t, `{"SS":["b","d"]}`)
	numbers := parse(t, `{"NS":["10","9"]}`)

	if got, want := abc.String(), `{"SS":["a","b","c"]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := numbers.String(), `{"NS":["9","10"]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	want := `{"SS":["a","b","c","d"]}`
	if union, ok := Union(abc, bd); !ok || union.String() != want {
		t.Errorf("Union = %s, %t, want %s", union, ok, want)
	}
	want = `{"SS":["a","c"]}`
	if rest, ok := Difference(abc, bd); !ok || rest.String() != want {
		t.Errorf("Difference = %s, %t, want %s", rest, ok, want)
	}
	if rest, ok := Difference(bd, bd); !ok || !rest.IsZero() {
		t.Errorf("Difference of equal sets = %s, %t, want the zero Value", rest, ok)
	}
	for _, other := range []Value{numbers, String("a"), List(String("a"))} {
		if _, ok := Union(abc, other); ok {
			t.Errorf("Union(%s, %s) is ok, want false", abc, other)
		}
		if _, ok := Difference(abc, other); ok {
			t.Errorf("Difference(%s, %s) is ok, want false", abc, other)
		}
	}
	if !abc.Contains(String("b")) || abc.Contains(String("d")) || abc.Contains(Int(1)) || !numbers.Contains(Int(10)) {
		t.Errorf("Contains: want b and not d in %s, 10 in %s", abc, numbers)
	}
	if abc.Len() != 3 {
		t.Errorf("%s: Len = %d, want 3", abc, abc.Len())
	}
	if got := slices.Collect(bd.Elements()); !slices.EqualFunc(got, []Value{String("b"), String("d")}, Value.Equal) {
		t.Errorf("Elements = %s, want b and d", got)
	}
	if _, err := Set(SS, String("a"), Int(1)); err == nil {
		t.Error("a set with members of two types: got no error")
	}
	if _, err := Set(L, String("a")); err == nil {
		t.Error("Set(L, …): got no error")
	}
}

func TestAccessorsForOtherTypes(t *testing.T) {
	for _, v := range []Value{{}, String("s"), Int(7), Binary([]byte("b")), Bool(true), Null(),
		List(Int(1)), Map(map[string]Value{"a": Int(1)})} {
		if v.Kind() != S && v.Kind() != B && v.Text() != "" {
			t.Errorf("%s: got text %q, want none", v, v.Text())
		}
		if v.Kind() != B && v.Bytes() != nil {
			t.Errorf("%s: got bytes %q, want none", v, v.Bytes())
		}
		if v.Kind() != N && v.Number() != (Number{}) {
			t.Errorf("%s: got number %s, want 0", v, v.Number())
		}
		if v.Kind() != BOOL && v.Bool() {
			t.Errorf("%s: got true, want false", v)
		}
		if _, ok := v.Index(0); ok != (v.Kind() == L) {
			t.Errorf("%s: Index(0) is ok: %t, want %t", v, ok, !ok)
		}
		if _, ok := v.Field("a"); ok != (v.Kind() == M) {
			t.Errorf("%s: Field(a) is ok: %t, want %t", v, ok, !ok)
		}
	}
}

func TestBinaryCopiesBytes(t *testing.T) {
	given := []byte("abc")
	v := Binary(given)
	given[0] = 'x'
	v.Bytes()[1] = 'x'
	if v.Text() != "abc" {
		t.Errorf("the value changed to %q, want abc", v.Text())
	}
}

// The sizes follow "DynamoDB item sizes and formats" in the Developer Guide.
func TestSize(t *testing.T) {
	for text, want := range map[string]int{
		`{"S":""}`:                               0,
		`{"S":"añb"}`:                            4,
		`{"B":"AAEC"}`:                           3,
		`{"BOOL":true}`:                          1,
		`{"NULL":true}`:                          1,
		`{"SS":["ab","c"]}`:                      3,
		`{"NS":["1","1234"]}`:                    5,
		`{"BS":["AA==","AAE="]}`:                 3,
		`{"L":[]}`:                               3,
		`{"M":{}}`:                               3,
		`{"L":[{"S":"abc"},{"BOOL":false}]}`:     3 + 1 + 3 + 1 + 1,
		`{"M":{"key":{"S":"abc"},"k":{"L":[]}}}`: 3 + 1 + 3 + 3 + 1 + 1 + 3,
	} {
		if got := parse(t, text).Size(); got != want {
			t.Errorf("size of %s = %d, want %d", text, got, want)
		}
	}
	item := Item{"pk": String("abc"), "ñ": Int(12)}
	if got := item.Size(); got != 2+3+2+2 {
		t.Errorf("size of %s = %d, want 9", item, got)
	}
}
