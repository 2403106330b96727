package conformance

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// answer is the response to one request.
type answer struct {
	Status  int
	Header  http.Header
	Text    string
	Body    map[string]any
	Code    string // of an error, without the namespace
	Message string
}

func (a answer) String() string {
	if a.Status == 200 {
		return a.Text
	}
	return a.Code + ": " + a.Message
}

// at returns a member of the response. A number in the path is the index of an
// element.
func (a answer) at(path ...any) any {
	var v any = a.Body
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

// items returns the Items of the response.
func (a answer) items() []any { l, _ := a.at("Items").([]any); return l }

// large is the length in bytes of a request from which on it is sent without
// the SDK. The SDK copies a large request many times, which is slow under the
// race detector.
const large = 64 << 10

// call sends a request in the tests' notation: through the SDK, which also
// checks the response, or without it if the SDK cannot send the request.
func call(ctx context.Context, t testing.TB, operation, request string) answer {
	t.Helper()
	wire := toWire(t, request)
	if len(request) < large {
		if got, sent := viaSDK(ctx, t, operation, wire); sent {
			return got
		}
	}
	body, err := json.Marshal(wire)
	if err != nil {
		t.Fatal(err)
	}
	return raw(ctx, t, "DynamoDB_20120810."+operation, string(body), nil)
}

// viaSDK calls a method of the SDK's client. sent is false if the SDK has no
// such method or member, or refuses the request.
func viaSDK(ctx context.Context, t testing.TB, operation string, wire any) (got answer, sent bool) {
	t.Helper()
	method := reflect.ValueOf(target.client).MethodByName(operation)
	if !method.IsValid() {
		return got, false
	}
	input := reflect.New(method.Type().In(1).Elem())
	if !fill(input.Elem(), wire) {
		return got, false
	}
	ctx = context.WithValue(ctx, answerKey{}, &got)
	results := method.Call([]reflect.Value{reflect.ValueOf(ctx), input})
	err, _ := results[1].Interface().(error)
	api, isAPI := errors.AsType[smithy.APIError](err)
	switch {
	case got.Status == 0:
		return got, false
	case err != nil && !isAPI:
		t.Fatalf("the SDK returns %v, want an API error", err)
	case err != nil && api.ErrorCode() != got.Code:
		t.Errorf("the SDK returns the error %s, want %s as in the response", api.ErrorCode(), got.Code)
	case err == nil && got.Status != 200:
		t.Errorf("the SDK returns no error, want %s as in the response", got.Code)
	}
	return got, true
}

// fill sets v from JSON in the wire format. It returns false if the types do
// not match.
func fill(v reflect.Value, wire any) bool {
	if v.Type() == reflect.TypeFor[types.AttributeValue]() {
		return fillAttribute(v, wire)
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return fill(v.Elem(), wire)
	case reflect.Struct, reflect.Map:
		return fillMembers(v, wire)
	case reflect.Slice:
		elements, ok := wire.([]any)
		v.Set(reflect.MakeSlice(v.Type(), len(elements), len(elements)))
		for i, element := range elements {
			ok = ok && fill(v.Index(i), element)
		}
		return ok
	case reflect.String:
		text, ok := wire.(string)
		v.SetString(text)
		// The SDK omits an empty enumeration value.
		return ok && (text != "" || v.Type() == reflect.TypeFor[string]())
	case reflect.Bool:
		flag, ok := wire.(bool)
		v.SetBool(flag)
		return ok
	case reflect.Int32, reflect.Int64:
		number, ok := wire.(json.Number)
		i, err := number.Int64()
		v.SetInt(i)
		return ok && err == nil && v.Int() == i
	}
	return false
}

// fillMembers is fill for a struct or a map.
func fillMembers(v reflect.Value, wire any) bool {
	members, ok := wire.(map[string]any)
	if v.Kind() == reflect.Struct {
		for name, member := range members {
			field := v.FieldByName(name)
			ok = ok && field.IsValid() && fill(field, member)
		}
		return ok
	}
	v.Set(reflect.MakeMap(v.Type()))
	for name, member := range members {
		element := reflect.New(v.Type().Elem()).Elem()
		ok = ok && fill(element, member)
		v.SetMapIndex(reflect.ValueOf(name), element)
	}
	return ok
}

// fillAttribute is fill for an attribute value.
func fillAttribute(v reflect.Value, wire any) bool {
	members, ok := wire.(map[string]any)
	if !ok || len(members) != 1 {
		return false
	}
	for kind, value := range members {
		var member any
		switch kind {
		case "S":
			member = &types.AttributeValueMemberS{}
		case "N":
			member = &types.AttributeValueMemberN{}
		case "BOOL":
			member = &types.AttributeValueMemberBOOL{}
		case "NULL":
			member = &types.AttributeValueMemberNULL{}
		case "M":
			member = &types.AttributeValueMemberM{}
		case "L":
			member = &types.AttributeValueMemberL{}
		case "SS":
			member = &types.AttributeValueMemberSS{}
		case "NS":
			member = &types.AttributeValueMemberNS{}
		case "B":
			bytes, ok := fromBase64(value)
			v.Set(reflect.ValueOf(&types.AttributeValueMemberB{Value: bytes}))
			return ok
		case "BS":
			elements, ok := value.([]any)
			set := &types.AttributeValueMemberBS{Value: make([][]byte, len(elements))}
			for i, e := range elements {
				if set.Value[i], ok = fromBase64(e); !ok {
					return false
				}
			}
			v.Set(reflect.ValueOf(set))
			return ok
		default:
			return false
		}
		v.Set(reflect.ValueOf(member))
		return fill(reflect.ValueOf(member).Elem().FieldByName("Value"), value)
	}
	return false
}

// raw sends a signed request without the SDK. headers replace the headers of
// the same names; an empty value removes one.
func raw(ctx context.Context, t testing.TB, operation, body string, headers map[string]string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target.url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", operation)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(ctx, target.keys, r, hex.EncodeToString(sum[:]), "dynamodb",
		target.region, time.Now()); err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		r.Header.Set(name, value)
		if value == "" {
			r.Header.Del(name)
		}
	}
	var got answer
	response, err := recordingTransport{http.DefaultTransport}.RoundTrip(r.WithContext(context.WithValue(ctx,
		answerKey{}, &got)))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return got
}

// recordingTransport copies the response to the *answer that the request's
// context holds under answerKey.
type recordingTransport struct{ http.RoundTripper }

type answerKey struct{}

func (r recordingTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	// The SDK closes a request's body as soon as the response arrives. net/http
	// may read the body's end after that if the server is in the same process.
	// A copy of the body cannot be closed too early.
	if request.Body != nil {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, err
		}
		request = request.Clone(request.Context())
		request.Body = io.NopCloser(bytes.NewReader(body))
	}
	response, err := r.RoundTripper.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(text))
	if got, ok := request.Context().Value(answerKey{}).(*answer); ok {
		*got = answer{Status: response.StatusCode, Header: response.Header, Text: string(text)}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		if err := decoder.Decode(&got.Body); err != nil {
			return nil, fmt.Errorf("got status %d and a body that is not JSON: %w", response.StatusCode, err)
		}
		if kind, ok := got.Body["__type"].(string); ok {
			got.Code = kind[strings.LastIndexByte(kind, '#')+1:]
			got.Message, ok = got.Body["message"].(string)
			if !ok {
				got.Message, _ = got.Body["Message"].(string)
			}
		}
	}
	return response, nil
}
