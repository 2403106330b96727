package kms

import (
	"fmt"
	"net/http"
)

// apiError is a KMS exception. It is the only form in which a client sees an
// error.
type apiError struct {
	status  int
	name    string
	message string // omitted from the response if empty, as KMS does
}

func (e *apiError) Error() string {
	if e.message == "" {
		return e.name
	}
	return e.name + ": " + e.message
}

// The exceptions, with the texts of KMS. The KMS API reference describes each
// under its name.

func errValidation(format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, "ValidationException", fmt.Sprintf(format, args...)}
}

// errConstraint returns the ValidationException of the front end that AWS
// generates from the API model. It writes the member's name in lower camel
// case.
func errConstraint(member, constraint string) *apiError {
	return errValidation("1 validation error detected: Value at '%s' failed to satisfy constraint: Member %s",
		member, constraint)
}

func errNotFound(format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, "NotFoundException", fmt.Sprintf(format, args...)}
}

func errInvalidARN(arn string) *apiError {
	return &apiError{http.StatusBadRequest, "InvalidArnException", "Invalid arn " + arn}
}

func errUnsupported(format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, "UnsupportedOperationException", fmt.Sprintf(format, args...)}
}

func errKeyUsage(format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, "InvalidKeyUsageException", fmt.Sprintf(format, args...)}
}

func errDisabled(arn string) *apiError {
	return &apiError{http.StatusBadRequest, "DisabledException", arn + " is disabled."}
}

func errState(format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, "KMSInvalidStateException", fmt.Sprintf(format, args...)}
}

func errAliasExists(arn string) *apiError {
	return &apiError{http.StatusBadRequest, "AlreadyExistsException",
		"An alias with the name " + arn + " already exists"}
}

var (
	errInvalidCiphertext = &apiError{http.StatusBadRequest, "InvalidCiphertextException", ""}
	errInvalidSignature  = &apiError{http.StatusBadRequest, "KMSInvalidSignatureException", ""}
	errInvalidMAC        = &apiError{http.StatusBadRequest, "KMSInvalidMacException", ""}
	errIncorrectKey      = &apiError{http.StatusBadRequest, "IncorrectKeyException",
		"The key ID in the request does not identify a CMK that can perform this operation."}
	errInvalidMarker = &apiError{http.StatusBadRequest, "InvalidMarkerException", "Could not deserialize marker."}
	errDryRun        = &apiError{http.StatusPreconditionFailed, "DryRunOperationException",
		"The request would have succeeded, but the DryRun option is set."}
	errSerialization    = &apiError{http.StatusBadRequest, "SerializationException", ""}
	errUnknownOperation = &apiError{http.StatusBadRequest, "UnknownOperationException", ""}
	errInternal         = &apiError{http.StatusInternalServerError, "KMSInternalException",
		"The request failed; see the log for the reason."}
)
