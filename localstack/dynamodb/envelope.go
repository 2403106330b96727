package dynamodb

import (
	"errors"
	"strings"

	"github.com/sotto-chat/sotto/localstack/dynamodb/attr"
)

// envelope begins the messages of violated constraints and, since 2026, those
// of other errors that PutItem, UpdateItem and DeleteItem find before they look
// for the table. See docs/aws-fidelity.md for the source of these texts.
const envelope = "1 validation error detected: "

// enveloped puts the message of a ValidationException into the envelope.
func enveloped(err error) error {
	if err == nil || errors.Is(err, errNamesOnly) {
		return err
	}
	e, _ := asAPIError(err)
	if e.code != "ValidationException" || strings.HasPrefix(e.message, envelope) {
		return err
	}
	out := *e
	out.message = envelope + e.message
	return &out
}

// valueTexts says which texts an operation has for a malformed value.
type valueTexts uint8

const (
	currentTexts   valueTexts = iota
	envelopedTexts            // the current ones, in the envelope
	olderTexts
)

// apply returns the error for a value that could not be decoded.
func (t valueTexts) apply(err error) error {
	e, ok := errors.AsType[*attr.ValidationError](err)
	switch {
	case !ok:
		return err
	case t == olderTexts && e.Older != "":
		return invalid("%s", e.Older)
	case t == envelopedTexts && !e.Structural:
		return enveloped(err)
	}
	return err
}
