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

// errNull returns the ValidationException for a required member that is
// missing.
func errNull(member string) *apiError {
	return errValidation("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null",
		member)
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

func errLimit(format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, "LimitExceededException", fmt.Sprintf(format, args...)}
}

func errTag(format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, "TagException", fmt.Sprintf(format, args...)}
}

func errPolicy(format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, "MalformedPolicyDocumentException", fmt.Sprintf(format, args...)}
}

// errUnknownOperation is the answer to an operation that is not implemented
// locally.
func errUnknownOperation(operation string) *apiError {
	message := "The operation " + operation + " is not implemented locally"
	if operation == "" {
		message = "The request names no operation of TrentService in X-Amz-Target"
	}
	return &apiError{http.StatusBadRequest, "UnknownOperationException", message}
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
	errInvalidGrantToken = &apiError{http.StatusBadRequest, "InvalidGrantTokenException", "Invalid grant token"}
	errSerialization     = &apiError{http.StatusBadRequest, "SerializationException", ""}
	errInternal          = &apiError{http.StatusInternalServerError, "KMSInternalException",
		"The request failed; see the log for the reason."}
)
