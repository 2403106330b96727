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
)

// UnmarshalClaims decodes what somebody signed into claims, a pointer to a
// struct. The text must have exactly the members of the struct: an unknown
// member is an error, and so is a member that is missing, unless its field is
// omitzero, or that is null. Otherwise two readers could find different
// messages in one signed text. Further it fails as Unmarshal does.
func UnmarshalClaims(data []byte, claims any) error {
	if err := unmarshal(data, claims, exact); err != nil {
		return err
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(data, &members, options); err != nil {
		return redact(err)
	}
	for _, field := range reflect.VisibleFields(reflect.TypeOf(claims).Elem()) {
		name, rest, tagged := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && !tagged && name == "" {
			continue // its members are fields of the outer struct
		}
		value, present := members[name]
		switch {
		case !present && !strings.Contains(rest, "omitzero"):
			return errMissing
		case present && value.Kind() == 'n':
			return errNull
		}
	}
	return nil
}
