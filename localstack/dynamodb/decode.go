package dynamodb

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// decode reads a request body. Unknown members are ignored, as AWS does it.
func decode(body []byte, in any) error {
	err := json.Unmarshal(body, in)
	if err == nil {
		return nil
	}
	var (
		validation    *attr.ValidationError
		serialization *attr.SerializationError
		semantic      *json.SemanticError
	)
	switch {
	case errors.As(err, &validation), errors.As(err, &serialization):
		return err
	case errors.As(err, &semantic):
		return serviceError("SerializationException", "%s", misfit(semantic))
	default:
		return serviceError("SerializationException", "The request body is not valid JSON")
	}
}

// misfit is AWS's text for JSON of the wrong type.
func misfit(err *json.SemanticError) string {
	switch err.JSONKind {
	case jsontext.KindBeginObject:
		return "Start of structure or map found where not expected."
	case jsontext.KindBeginArray:
		return "Start of list found where not expected"
	}
	found, ok := map[jsontext.Kind]string{
		jsontext.KindString: "STRING_VALUE",
		jsontext.KindNumber: "NUMBER_VALUE",
		jsontext.KindTrue:   "TRUE_VALUE",
		jsontext.KindFalse:  "FALSE_VALUE",
	}[err.JSONKind]
	if !ok || err.GoType == nil {
		return "Unexpected field type"
	}
	wanted := err.GoType
	for wanted.Kind().String() == "ptr" {
		wanted = wanted.Elem()
	}
	switch wanted.Kind().String() {
	case "string":
		return found + " cannot be converted to String"
	case "bool":
		return found + " cannot be converted to Boolean"
	case "int", "int64":
		return found + " cannot be converted to Long"
	default:
		return "Unexpected field type"
	}
}
