package telemetry

import (
	"encoding"
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

const (
	redacted = "[redacted]"
	// maxDepth bounds how deep a value is followed: values may be cyclic.
	maxDepth = 8
)

// tokens matches compact JWS and JWE, whole or cut short: base64url of `{"`
// and what follows it.
var tokens = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*)*`)

// secrets are the names, in lower case, of attributes, groups, struct fields
// and map keys whose values are never logged.
var secrets = map[string]bool{
	"body": true, "jwe": true, "jws": true, "proof": true, "plaintext": true, "key": true, "nonce": true,
	"token": true, "secret": true, "sessiontoken": true, "secretaccesskey": true,
}

func isSecret(name string) bool { return secrets[strings.ToLower(name)] }

// redact is the last line of defence: no call logs a secret on purpose, but an
// error's text or a struct may hold one. It is called for every attribute,
// also for those within groups.
func redact(groups []string, a slog.Attr) slog.Attr {
	if isSecret(a.Key) || slices.ContainsFunc(groups, isSecret) {
		return slog.String(a.Key, redacted)
	}
	switch a.Value.Kind() {
	case slog.KindString:
		return slog.String(a.Key, redactText(a.Value.String()))
	case slog.KindAny:
		return slog.Any(a.Key, redactValue(reflect.ValueOf(a.Value.Any()), 0))
	}
	return a // a number, a boolean or a time
}

func redactText(s string) string { return tokens.ReplaceAllString(s, "[token]") }

// redactValue returns what is logged of a value: numbers and booleans as they
// are, texts without tokens, only the size of bytes, and structs, maps and
// slices as maps and slices of the same. Values of the crypto packages are
// never logged.
func redactValue(v reflect.Value, depth int) any {
	if !v.IsValid() {
		return nil
	}
	if depth > maxDepth {
		return "[too deep]"
	}
	if strings.HasPrefix(v.Type().PkgPath(), "crypto/") {
		return redacted
	}
	if text, ok := textOf(v); ok {
		return redactText(text)
	}
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return v.Uint()
	case reflect.Float32, reflect.Float64:
		return fmt.Sprint(v.Float()) // JSON has no infinities
	case reflect.String:
		return redactText(v.String())
	case reflect.Pointer, reflect.Interface:
		return redactValue(v.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		return redactList(v, depth)
	case reflect.Map:
		return redactMap(v, depth)
	case reflect.Struct:
		return redactStruct(v, depth)
	}
	return "[" + v.Type().String() + "]" // a function or a channel
}

// textOf returns the text of a value that has a method for it, as errors and
// Stringers have. A method that panics counts as none.
func textOf(v reflect.Value) (text string, ok bool) {
	if !v.CanInterface() || v.Kind() == reflect.Pointer && v.IsNil() {
		return "", false
	}
	defer func() {
		if recover() != nil {
			text, ok = "", false
		}
	}()
	switch x := v.Interface().(type) {
	case error:
		return x.Error(), true
	case fmt.Stringer:
		return x.String(), true
	case encoding.TextMarshaler:
		data, err := x.MarshalText()
		return string(data), err == nil
	}
	return "", false
}

func redactList(v reflect.Value, depth int) any {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return fmt.Sprintf("[%d bytes]", v.Len())
	}
	list := make([]any, v.Len())
	for i := range list {
		list[i] = redactValue(v.Index(i), depth+1)
	}
	return list
}

func redactMap(v reflect.Value, depth int) any {
	found := make(map[string]any, v.Len())
	for key, value := range v.Seq2() {
		name := fmt.Sprint(redactValue(key, depth+1))
		if isSecret(name) {
			found[name] = redacted
			continue
		}
		found[name] = redactValue(value, depth+1)
	}
	return found
}

// redactStruct names fields as encoding/json does and leaves out those that
// are not exported.
func redactStruct(v reflect.Value, depth int) any {
	found := make(map[string]any, v.NumField())
	for _, field := range reflect.VisibleFields(v.Type()) {
		if !field.IsExported() || len(field.Index) > 1 {
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			name = field.Name
		}
		if isSecret(name) || isSecret(field.Name) {
			found[name] = redacted
			continue
		}
		found[name] = redactValue(v.FieldByIndex(field.Index), depth+1)
	}
	return found
}
