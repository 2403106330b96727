package eventsource

import (
	"strings"
	"testing"
)

func TestE12_FilterRules(t *testing.T) {
	const event = `{"eventName":"MODIFY","dynamodb":{"SizeBytes":26,
		"Keys":{"pk":{"S":"Room#1"}},
		"NewImage":{"pk":{"S":"Room#1"},"n":{"N":"101"},"none":{"NULL":true},"open":{"BOOL":true},"tags":{"SS":["red","blue"]},
			"list":{"L":[{"S":"x"},{"N":"7"}]},"empty":{"S":""}}}}`
	for _, tt := range []struct {
		pattern string
		want    bool
	}{
		{`{}`, true},
		{`{"eventName":["MODIFY"]}`, true},
		{`{"eventName":["INSERT","REMOVE"]}`, false},
		{`{"eventName":["INSERT","MODIFY"]}`, true}, // or
		{`{"eventName":["MODIFY"],"dynamodb":{"NewImage":{"n":{"N":["102"]}}}}`, false},
		{`{"eventName":["MODIFY"],"dynamodb":{"NewImage":{"n":{"N":["101"]}}}}`, true}, // and
		{`{"dynamodb":{"NewImage":{"n":{"N":[101]}}}}`,
			false}, // numbers are strings in records
		{`{"dynamodb":{"NewImage":{"n":{"N":[{"numeric":[">",100]}]}}}}`, false},
		{`{"dynamodb":{"SizeBytes":[26]}}`, true},
		{`{"dynamodb":{"SizeBytes":[{"numeric":["=",26]}]}}`, true},
		{`{"dynamodb":{"SizeBytes":[{"numeric":[">",10,"<=",26]}]}}`, true},
		{`{"dynamodb":{"SizeBytes":[{"numeric":[">=",10,"<",26]}]}}`, false},
		{`{"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"Room#"}]}}}}`, true},
		{`{"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"room#"}]}}}}`, false},
		{`{"dynamodb":{"Keys":{"pk":{"S":[{"prefix":{"equals-ignore-case":"room#"}}]}}}}`, true},
		{`{"dynamodb":{"Keys":{"pk":{"S":[{"suffix":"#1"}]}}}}`, true},
		{`{"dynamodb":{"Keys":{"pk":{"S":[{"suffix":"#2"},{"suffix":"Room#1234"}]}}}}`, false},
		{`{"dynamodb":{"Keys":{"pk":{"S":[{"equals-ignore-case":"ROOM#1"}]}}}}`, true},
		{`{"dynamodb":{"Keys":{"pk":{"S":[{"anything-but":["Room#1","Room#2"]}]}}}}`, false},
		{`{"dynamodb":{"Keys":{"pk":{"S":[{"anything-but":"Room#2"}]}}}}`, true},
		{`{"dynamodb":{"Keys":{"pk":{"S":[{"anything-but":{"prefix":"Room"}}]}}}}`, false},
		{`{"dynamodb":{"Keys":{"sk":{"S":[{"anything-but":"Room#2"}]}}}}`, false}, // the field must exist
		{`{"dynamodb":{"NewImage":{"open":{"BOOL":[true]}}}}`, true},
		{`{"dynamodb":{"NewImage":{"open":{"BOOL":[false]}}}}`, false},
		{`{"dynamodb":{"NewImage":{"none":{"NULL":[null]}}}}`, false},
		{`{"dynamodb":{"NewImage":{"empty":{"S":[""]}}}}`, true},
		{`{"dynamodb":{"NewImage":{"n":{"N":[{"exists":true}]}}}}`, true},
		{`{"dynamodb":{"NewImage":{"n":{"N":[{"exists":false}]}}}}`, false},
		{`{"dynamodb":{"NewImage":{"m":{"N":[{"exists":false}]}}}}`, true},
		{`{"dynamodb":{"OldImage":{"m":{"N":[{"exists":false}]}}}}`, true},
		{`{"dynamodb":{"NewImage":{"n":[{"exists":true}]}}}`, false}, // leaves only
		{`{"dynamodb":{"NewImage":{"tags":{"SS":["blue"]}}}}`, true}, // one of a list
		{`{"dynamodb":{"NewImage":{"tags":{"SS":["green"]}}}}`, false},
		{`{"dynamodb":{"NewImage":{"list":{"L":{"N":["7"]}}}}}`, true},
		{`{"dynamodb":{"NewImage":{"list":{"L":{"N":["8"]}}}}}`, false},
		{`{"$or":[{"eventName":["INSERT"]},{"dynamodb":{"SizeBytes":[26]}}]}`, true},
		{`{"eventName":["MODIFY"],"$or":[{"eventName":["INSERT"]},{"dynamodb":{"SizeBytes":[27]}}]}`, false},
	} {
		f, err := parseFilter([]string{tt.pattern})
		if err != nil {
			t.Errorf("%s: got %v, want no error", tt.pattern, err)
		} else if got := f.matches([]byte(event)); got != tt.want {
			t.Errorf("%s: got %t, want %t", tt.pattern, got, tt.want)
		}
	}
}

func TestInvalidFilters(t *testing.T) {
	for _, tt := range []struct{ pattern, want string }{
		{`{`, "unexpected end"},
		{`[]`, "not a JSON object"},
		{`{"a":"x"}`, "a: a value is not in a list"},
		{`{"a":{"b":[]}}`, "a: b: a list is empty"},
		{`{"a":[["x"]]}`, "a list is inside a list"},
		{`{"a":[{}]}`, "0 operators"},
		{`{"a":[{"prefix":"x","suffix":"y"}]}`, "2 operators"},
		{`{"a":[{"wildcard":"x*"}]}`, "wildcard: not an operator"},
		{`{"a":[{"prefix":1}]}`, "prefix: needs a string"},
		{`{"a":[{"equals-ignore-case":1}]}`, "needs a string"},
		{`{"a":[{"exists":"true"}]}`, "needs true or false"},
		{`{"a":[{"numeric":[">"]}]}`, "numeric: needs one or two operators"},
		{`{"a":[{"numeric":["!=",1]}]}`, `operator "!=" is not one of`},
		{`{"a":[{"numeric":[">","1"]}]}`, "a limit is not a number"},
		{`{"a":[{"anything-but":[]}]}`, "the list is empty"},
		{`{"a":[{"anything-but":[true]}]}`, "strings or numbers"},
		{`{"a":[{"anything-but":{"numeric":["=",1]}}]}`, "needs a string, a number"},
		{`{"$or":[{"a":1}]}`, "$or: a: a value is not in a list"},
	} {
		if _, err := parseFilter([]string{tt.pattern}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want an error with %q", tt.pattern, err, tt.want)
		}
	}
}
