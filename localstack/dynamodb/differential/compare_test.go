package differential

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// side is one of the two compared servers.
type side struct{ name, url string }

// answer is the response of a side, in a form that can be compared.
type answer struct {
	status  int
	code    string // of an error
	message string
	body    string // of a success, normalised
}

func (a answer) String() string {
	if a.status == http.StatusOK {
		return a.body
	}
	return fmt.Sprintf("%d %s: %s", a.status, a.code, a.message)
}

// send sends a request. ordered says whether the order of items in the response
// is compared.
func (s side) send(t testing.TB, operation string, body object, ordered bool) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, strings.NewReader(text(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	r.Header.Set("X-Amz-Date", "20260101T000000Z")
	r.Header.Set("Authorization",
		"AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	var v object
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %s: got %d %.500q, want JSON", s.name, operation, response.StatusCode, data)
	}
	got := answer{status: response.StatusCode}
	if got.status != http.StatusOK {
		kind, _ := v["__type"].(string)
		got.code = kind[strings.LastIndexByte(kind, '#')+1:]
		got.message, _ = v["message"].(string)
		if got.message == "" {
			got.message, _ = v["Message"].(string)
		}
		return got
	}
	if attributes, ok := v["Attributes"].(object); ok && len(attributes) == 0 {
		delete(v, "Attributes") // the API reference allows both an empty and an absent one
	}
	got.body = text(normalise(v, ordered))
	return got
}

// normalise sorts lists that have no order and gives equal numbers the same
// form.
func normalise(v any, ordered bool) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for name, member := range v {
			out[name] = normalise(member, ordered)
			switch list, _ := out[name].([]any); {
			case list == nil:
			case name == "SS", name == "NS", name == "BS":
				sortByText(list)
			case !ordered && name != "L":
				sortByText(list)
			}
			if n, ok := member.(string); ok && name == "N" {
				if r, ok := new(big.Rat).SetString(n); ok {
					out[name] = r.RatString()
				}
			}
			if list, ok := member.([]any); ok && name == "NS" {
				for i, n := range list {
					if r, ok := new(big.Rat).SetString(fmt.Sprint(n)); ok {
						list[i] = r.RatString()
					}
				}
				sortByText(list)
				out[name] = list
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			out[i] = normalise(element, ordered)
		}
		return out
	}
	return v
}

func sortByText(list []any) {
	slices.SortFunc(list, func(a, b any) int { return cmp.Compare(text(a), text(b)) })
}

// text returns the JSON of v. Equal values have the same JSON.
func text(v any) string {
	out, err := json.Marshal(v)
	if err != nil {
		panic(err) // cannot happen: v consists of strings, numbers, lists and maps
	}
	return string(out)
}
