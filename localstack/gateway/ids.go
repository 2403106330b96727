package gateway

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"
)

// Ids are opaque to clients; these have the shape of API Gateway's (A9): 11
// bytes, URL-safe base64 with padding, 16 characters.
const (
	idBytes = 11
	// tailBytes at the end of a connection id return in the ids of its messages
	// (A9.3).
	tailBytes = 5
	// maxIDLength bounds the ids that clients may ask for.
	maxIDLength = 128
)

// newID returns a connection, request or extended request id.
func newID() string {
	var b [idBytes]byte
	rand.Read(b[:])
	return base64.URLEncoding.EncodeToString(b[:])
}

// newMessageID returns a message id that ends as its connection's id does.
func newMessageID(connectionID string) string {
	var b [idBytes]byte
	rand.Read(b[:])
	if tail, err := base64.URLEncoding.DecodeString(connectionID); err == nil && len(tail) >= tailBytes {
		copy(b[idBytes-tailBytes:], tail[len(tail)-tailBytes:])
	}
	return base64.URLEncoding.EncodeToString(b[:])
}

// validID reports whether id could name a connection. API Gateway tells an id
// it cannot decode (400) from one it does not know (410).
func validID(id string) bool {
	if id == "" || len(id) > maxIDLength {
		return false
	}
	_, err := base64.URLEncoding.DecodeString(id)
	return err == nil
}

// newTraceID returns an X-Ray trace header: the version, the time in seconds,
// 96 random bits.
func newTraceID(now time.Time) string {
	var b [12]byte
	rand.Read(b[:])
	return fmt.Sprintf("Root=1-%08x-%s", uint32(now.Unix()), hex.EncodeToString(b[:]))
}
