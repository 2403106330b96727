package awsname

import (
	"crypto/rand"
	"fmt"
)

// NewRequestID returns a random UUID, the form of the request ids of Lambda,
// KMS and the other REST services.
func NewRequestID() string { return NewUUID() }

// NewUUID returns a random UUID (RFC 9562 §5.4).
func NewUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// NewDynamoDBRequestID returns 52 random capital letters and digits, the form
// of DynamoDB's request ids.
func NewDynamoDBRequestID() string { return rand.Text() + rand.Text() }
