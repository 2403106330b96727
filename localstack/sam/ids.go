package sam

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// The ids that AWS draws at random are hashes of the stack's name and the
// logical id here: a restart must find the tables and keys of the last run.

// digest is the hash behind every id. The kind keeps ids of different sorts
// apart that come from the same logical id.
func digest(kind, stack, logicalID string) [32]byte {
	return sha256.Sum256([]byte("sotto/sam/v1/" + kind + "\x00" + stack + "\x00" + logicalID))
}

// shortID is n lower-case letters and digits, starting with a letter, as
// API Gateway's ids are.
func shortID(n int, kind, stack, logicalID string) string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	sum := digest(kind, stack, logicalID)
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[int(sum[i])%len(letters)]
	}
	b[0] = letters[int(sum[0])%26]
	return string(b)
}

// uuid has the form of a random UUID (RFC 9562 §5.4).
func uuid(stack, logicalID string) string {
	sum := digest("uuid", stack, logicalID)
	sum[6] = sum[6]&0x0f | 0x40
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// physicalName is stack-LogicalID, cut to most characters. CloudFormation
// appends random characters, which names within one stack do not need; a name
// that has to be cut gets some, so that it stays unique.
func physicalName(most int, stack, logicalID string) string {
	name := stack + "-" + logicalID
	if len(name) <= most {
		return name
	}
	sum := digest("name", stack, logicalID)
	suffix := "-" + strings.ToUpper(hex.EncodeToString(sum[:6]))
	return name[:most-len(suffix)] + suffix
}
