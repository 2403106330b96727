package attr

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestItemJSON(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{`{}`, `{}`},
		{`{"b":{"S":"x"},"a":{"N":"1.50"}}`, `{"a":{"N":"1.5"},"b":{"S":"x"}}`},
		{`{"a":{"B":"AP8="}}`, `{"a":{"B":"AP8="}}`},
		{`{"a":{"S":"\u00e9\u0000\"<\n"}}`, `{"a":{"S":"é\u0000\"<\n"}}`},
		{`{"a":{"BOOL":false},"b":{"NULL":true}}`, `{"a":{"BOOL":false},"b":{"NULL":true}}`},
		{`{"a":{"SS":["b","","a"]}}`, `{"a":{"SS":["","a","b"]}}`},
		{`{"a":{"NS":["10","-1","9e0"]}}`, `{"a":{"NS":["-1","9","10"]}}`},
		{`{"a":{"BS":["/w==",""]}}`, `{"a":{"BS":["","/w=="]}}`},
		{`{"a":{"L":[{"L":[]},{"M":{}}]}}`, `{"a":{"L":[{"L":[]},{"M":{}}]}}`},
		{`{"a":{"M":{"y":{"N":"0"},"x":{"L":[{"S":"s"}]}}}}`, `{"a":{"M":{"x":{"L":[{"S":"s"}]},"y":{"N":"0"}}}}`},
		{`{"a":{"S":"x","N":null}}`, `{"a":{"S":"x"}}`},
		{`{"a":{"S":"x","Unknown":[1]}}`, `{"a":{"S":"x"}}`},
	} {
		// Use encoding/json, as requests and responses do.
		var item Item
		if err := json.Unmarshal([]byte(test.in), &item); err != nil {
			t.Errorf("unmarshal %s: %v", test.in, err)
			continue
		}
		if got, err := item.MarshalJSON(); err != nil || string(got) != test.want {
			t.Errorf("%s: got %s, %v, want %s", test.in, got, err, test.want)
		}
	}
}

func TestNullIsAbsent(t *testing.T) {
	var request struct {
		Item  Item
		Value Value
	}
	if err := json.Unmarshal([]byte(`{"Item":null,"Value":null}`), &request); err != nil {
		t.Fatal(err)
	}
	if request.Item != nil || !request.Value.IsZero() {
		t.Errorf("null: got item %s and value %s, want neither", request.Item, request.Value)
	}
}

func TestInvalidValues(t *testing.T) {
	for in, want := range map[string]string{
		`{}`:                                msgEmpty,
		`{"S":null}`:                        msgEmpty,
		`{"s":"x"}`:                         msgEmpty,
		`{"L":[{}]}`:                        msgEmpty,
		`{"M":{"a":{"X":""}}}`:              msgEmpty,
		`{"S":"a","N":"1"}`:                 msgSeveral,
		`{"S":"a","N":"bad"}`:               msgSeveral,
		`{"SS":[],"S":"a"}`:                 msgSeveral,
		`{"NULL":false}`:                    "One or more parameter values were invalid: Null attribute value types must have the value of true",
		`{"SS":[]}`:                         "One or more parameter values were invalid: An string set  may not be empty",
		`{"NS":[]}`:                         "One or more parameter values were invalid: An number set  may not be empty",
		`{"BS":[]}`:                         "One or more parameter values were invalid: Binary sets should not be empty",
		`{"SS":["b","a","b"]}`:              `One or more parameter values were invalid: Input collection ["a", "b", "b"] contains duplicates.`,
		`{"SS":["c","b","c","a","a"]}`:      `One or more parameter values were invalid: Input collection ["b", "c", "c", "a", "a"] contains duplicates.`,
		`{"BS":["/w==","AA==","AA=="]}`:     `One or more parameter values were invalid: Input collection ["AA==","/w==","AA=="]of type BS contains duplicates.`,
		`{"NS":["2","1","2.0"]}`:            "One or more parameter values were invalid: Input collection contains duplicates.",
		`{"N":"abc"}`:                       "The parameter cannot be converted to a numeric value: abc",
		`{"N":""}`:                          "The parameter cannot be converted to a numeric value: ",
		`{"NS":["1","x"]}`:                  "The parameter cannot be converted to a numeric value: x",
		`{"M":{"x":{"L":[{"N":"1e126"}]}}}`: msgOverflow,
	} {
		var v Value
		err := json.Unmarshal([]byte(in), &v)
		if refused, ok := errors.AsType[*ValidationError](err); !ok || refused.Message != want {
			t.Errorf("%s: got %v, want %s", in, err, want)
		}
		if !v.IsZero() {
			t.Errorf("%s: got the value %s, want none", in, v)
		}
	}
}

func TestMalformedValues(t *testing.T) {
	for in, want := range map[string]string{
		`{"S":1}`:                "NUMBER_VALUE cannot be converted to String",
		`{"N":12}`:               "NUMBER_VALUE cannot be converted to String",
		`{"N":1.5}`:              "DECIMAL_VALUE cannot be converted to String",
		`{"S":true}`:             "TRUE_VALUE cannot be converted to String",
		`{"S":false}`:            "FALSE_VALUE cannot be converted to String",
		`{"S":[]}`:               "Unrecognized collection type class java.lang.String",
		`{"S":{}}`:               "Start of structure or map found where not expected",
		`{"SS":[null]}`:          "NULL_VALUE cannot be converted to String",
		`{"BOOL":1}`:             "NUMBER_VALUE cannot be converted to Boolean",
		`{"BOOL":"true"}`:        "Unexpected token received from parser",
		`{"BOOL":{}}`:            "Start of structure or map found where not expected",
		`{"NULL":[]}`:            "Unrecognized collection type class java.lang.Boolean",
		`{"SS":"a"}`:             "Unexpected field type",
		`{"L":"a"}`:              "Unexpected field type",
		`{"M":[]}`:               "Unexpected field type",
		`{"L":["a"]}`:            "Unexpected value type in payload",
		`{"M":{"a":"b"}}`:        "Unexpected value type in payload",
		`"a"`:                    "Unexpected value type in payload",
		`{"B":"YQ="}`:            "Base64 encoded length is expected a multiple of 4 bytes but found: 3",
		`{"B":"Y*Q="}`:           "Invalid Base64 character: '*'",
		`{"B":"YQ\n\nQQ=="}`:     "Invalid Base64 character: '\n'",
		`{"B":"AAB="}`:           "Invalid Base64 character: '='",
		`{"BS":["AA==","*AA="]}`: "Invalid Base64 character: '*'",
	} {
		var v Value
		err := v.UnmarshalJSON([]byte(in))
		if malformed, ok := errors.AsType[*SerializationError](err); !ok || malformed.Message != want {
			t.Errorf("%s: got %v, want %s", in, err, want)
		}
	}
	for _, in := range []string{``, `{`, `{"S":"a"`, `{"S"}`, `{"L":[{"S":"a"}`, `{"S":"a","S":"b"}`,
		"{\"S\":\"\xff\"}", `{"X":[}`, `{"M":{"a":{"S":"b"},}}`} {
		var v Value
		err := v.UnmarshalJSON([]byte(in))
		if _, ok := err.(*SerializationError); !ok {
			t.Errorf("%q: got %v, want a SerializationError", in, err)
		}
	}
}

// nested returns a string inside of levels maps and lists.
func nested(levels int) string {
	text := `{"S":"x"}`
	for i := range levels {
		if i%2 == 0 {
			text = `{"M":{"a":` + text + `}}`
		} else {
			text = `{"L":[` + text + `]}`
		}
	}
	return text
}

func TestNestingDepth(t *testing.T) {
	deepest := parse(t, nested(MaxDepth-1))
	if deepest.Depth() != MaxDepth {
		t.Errorf("Depth = %d, want %d", deepest.Depth(), MaxDepth)
	}
	if err := CheckDepth(deepest, 0); err != nil {
		t.Error(err)
	}
	const want = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
	if err := CheckDepth(deepest, 1); err == nil || err.Error() != want {
		t.Errorf("CheckDepth inside one more level: got %v, want %s", err, want)
	}
	for _, levels := range []int{MaxDepth, MaxDepth + 1, 9000} {
		var item Item
		err := item.UnmarshalJSON([]byte(`{"deep":` + nested(levels) + `}`))
		if _, ok := err.(*ValidationError); !ok || err.Error() != want {
			t.Errorf("%d maps and lists: got %v, want %s", levels, err, want)
		}
	}
}

func TestStorageForm(t *testing.T) {
	for _, text := range []string{
		`{}`,
		`{"":{"S":""}}`,
		`{"a":{"S":"x"},"b":{"N":"-1.5"},"c":{"B":"AAE="},"d":{"BOOL":true},"e":{"BOOL":false},"f":{"NULL":true}}`,
		`{"a":{"SS":["x","y"]},"b":{"NS":["1","2.5","0"]},"c":{"BS":["AA==",""]}}`,
		`{"a":{"L":[{"L":[]},{"M":{}},{"M":{"x":{"L":[{"N":"1e125"}]}}}]}}`,
		`{"deep":` + nested(MaxDepth-1) + `}`,
		`{"long":{"S":"` + strings.Repeat("é", 5000) + `"}}`,
	} {
		var item Item
		if err := item.UnmarshalJSON([]byte(text)); err != nil {
			t.Fatal(err)
		}
		stored := item.AppendBinary([]byte("before"))[len("before"):]
		back, err := DecodeItem(stored)
		if err != nil || !back.Equal(item) {
			t.Errorf("DecodeItem of the form of %.80s: got %.80s, %v", item, back, err)
		}
		if !bytes.Equal(back.AppendBinary(nil), stored) {
			t.Errorf("%.80s has two storage forms", item)
		}
		for n := range stored {
			if got, err := DecodeItem(stored[:n]); err == nil {
				t.Errorf("the first %d bytes of %.80s: got %s, want an error", n, item, got)
				break
			}
		}
		if _, err := DecodeItem(append(bytes.Clone(stored), 0)); err == nil {
			t.Errorf("%.80s with one more byte: got no error", item)
		}
	}
}

func TestDecodeDamagedItems(t *testing.T) {
	for _, data := range [][]byte{
		nil,
		{0xFF},                                 // a varint without an end
		{0xFF, 0xFF, 0xFF, 0xFF, 0x0F},         // four billion attributes
		{1, 0, 99},                             // an unknown type
		{1, 0, 0},                              // the zero type
		{1, 0, byte(BOOL), 2},                  // an invalid boolean
		{1, 0, byte(S), 5, 'a'},                // a truncated string
		{1, 0, byte(SS), 0},                    // an empty set
		{1, 0, byte(SS), 1, byte(N), signZero}, // a number in a set of strings
		{1, 0, byte(SS), 2, byte(S), 1, 'b', byte(S), 1, 'a'},         // a set out of order
		{1, 0, byte(NS), 2, byte(N), signZero, byte(N), signZero},     // a member twice
		append([]byte{1, 0}, bytes.Repeat([]byte{byte(L), 1}, 40)...), // too deep
	} {
		if item, err := DecodeItem(data); err == nil {
			t.Errorf("% x: got %s, want an error", data, item)
		}
	}
}

func FuzzItemJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":{"S":"x"}}`, `{"a":{"N":"-1.5e3"},"b":{"NULL":true}}`, `{"a":{"NS":["1","2"]}}`,
		`{"a":{"L":[{"M":{"b":{"BOOL":false}}},{"B":"AP8="}]}}`, `{"a":{"SS":["a","a"]}}`, `{"a":{"S":1}}`, `[`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var item Item
		if err := item.UnmarshalJSON(data); err != nil {
			if item != nil {
				t.Fatalf("got the item %s with the error %v, want none", item, err)
			}
			return
		}
		text, err := item.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var again Item
		if err := again.UnmarshalJSON(text); err != nil || !again.Equal(item) {
			t.Fatalf("%s: parsed again as %s, %v", text, again, err)
		}
		back, err := DecodeItem(item.AppendBinary(nil))
		if err != nil || !back.Equal(item) {
			t.Fatalf("DecodeItem of the form of %s: got %s, %v", item, back, err)
		}
		if item.Size() != back.Size() {
			t.Fatalf("size of %s: got %d after decoding, want %d", item, back.Size(), item.Size())
		}
	})
}

func FuzzDecodeItem(f *testing.F) {
	item := Item{"a": List(String("x"), Int(-15), Null()), "b": Map(map[string]Value{"c": Bool(true)})}
	f.Add(item.AppendBinary(nil))
	f.Add([]byte{1, 0, byte(N), signPositive, 130, 12, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		// Decoding never panics and never allocates more than data justifies.
		item, err := DecodeItem(data)
		if err != nil {
			return
		}
		back, err := DecodeItem(item.AppendBinary(nil))
		if err != nil || !back.Equal(item) {
			t.Fatalf("decoding %s again: got %s, %v", item, back, err)
		}
	})
}
