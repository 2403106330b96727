package gateway

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"
)

// Ids are opaque to clients. These have the form of API Gateway's (A9): 11
// bytes in URL-safe base64 with padding, 16 characters.
const (
	idBytes = 11
	// tailBytes is how many bytes at the end of a connection id the ids of its
	// messages share (A9.3).
	tailBytes = 5
	// maxIDLength bounds the connection ids in requests.
	maxIDLength = 128
)

// newID returns a connection, request or extended request id.
func newID() string {
	var b [idBytes]byte
	rand.Read(b[:])
	return base64.URLEncoding.EncodeToString(b[:])
}

// newMessageID returns a message id that ends as the connection's id does.
func newMessageID(connectionID string) string {
	var b [idBytes]byte
	rand.Read(b[:])
	if tail, err := base64.URLEncoding.DecodeString(connectionID); err == nil && len(tail) >= tailBytes {
		copy(b[idBytes-tailBytes:], tail[len(tail)-tailBytes:])
	}
	return base64.URLEncoding.EncodeToString(b[:])
}

// validID reports whether id can be decoded. API Gateway answers 400 if not,
// and 410 for an id that it does not know.
func validID(id string) bool {
	if id == "" || len(id) > maxIDLength {
		return false
	}
	_, err := base64.URLEncoding.DecodeString(id)
	return err == nil
}

// newTraceID returns an X-Ray trace header: version, time in seconds, 96 random
// bits.
func newTraceID(now time.Time) string {
	var b [12]byte
	rand.Read(b[:])
	return fmt.Sprintf("Root=1-%08x-%s", uint32(now.Unix()), hex.EncodeToString(b[:]))
}
