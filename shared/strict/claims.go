package strict

import (
	"errors"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var exact = json.JoinOptions(options, json.RejectUnknownMembers(true))

var (
	errMissing = errors.New("strict JSON: a member is missing")
	errNull    = errors.New("strict JSON: a member is null")
	errEmpty   = errors.New("strict JSON: an optional member is empty")
)

// UnmarshalClaims decodes what somebody signed into claims, a pointer to a
// struct. The text must have exactly the members of the struct: an unknown
// member is an error, and so is a member that is missing, unless its field is
// omitzero, or that is null. An omitzero field may not be present and zero.
// Otherwise two readers could find different messages in one signed text.
// Further it fails as Unmarshal does.
func UnmarshalClaims(data []byte, claims any) error {
	if err := unmarshal(data, claims, exact); err != nil {
		return err
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(data, &members, options); err != nil {
		return redact(err)
	}
	value := reflect.ValueOf(claims).Elem()
	for _, field := range reflect.VisibleFields(value.Type()) {
		name, rest, tagged := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && !tagged && name == "" {
			continue // its members are fields of the outer struct
		}
		text, present := members[name]
		optional := strings.Contains(rest, "omitzero")
		switch {
		case !present && !optional:
			return errMissing
		case present && text.Kind() == 'n':
			return errNull
		case present && optional && value.FieldByIndex(field.Index).IsZero():
			return errEmpty
		}
	}
	return nil
}
