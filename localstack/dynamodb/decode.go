package dynamodb

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// decode decodes a request body. It ignores unknown members, as AWS does.
func decode(body []byte, in any) error {
	err := json.Unmarshal(body, in)
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*attr.ValidationError](err); ok {
		return err
	}
	if _, ok := errors.AsType[*attr.SerializationError](err); ok {
		return err
	}
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		return serviceError("SerializationException", "%s", typeMismatch(semantic))
	}
	return serviceError("SerializationException", "The request body is not valid JSON")
}

// typeMismatch returns AWS's message for a JSON value of the wrong type.
func typeMismatch(err *json.SemanticError) string {
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
