package resource

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/sotto-chat/sotto/localstack/sam/template"
)

// Ids that AWS draws at random are hashes of the stack name and the logical id
// here, so that a restart finds the tables and keys of the previous run.

// digest returns the hash behind an id. The kind separates ids of different
// kinds with the same logical id.
func digest(kind, stack, logicalID string) [32]byte {
	return sha256.Sum256([]byte("sotto/sam/v1/" + kind + "\x00" + stack + "\x00" + logicalID))
}

// ShortID returns n lower-case letters and digits that start with a letter, the
// form of API Gateway's ids.
func (s *Set) ShortID(res *template.Resource, n int, kind string) string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	sum := digest(kind, s.owner(res).Stack.Name, res.ID)
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[int(sum[i])%len(letters)]
	}
	b[0] = letters[int(sum[0])%26]
	return string(b)
}

// UUID returns the UUID of a resource.
func (s *Set) UUID(res *template.Resource) string { return UUID(s.owner(res).Stack.Name, res.ID) }

// UUID returns an id in the form of a random UUID (RFC 9562 §5.4).
func UUID(stack, logicalID string) string {
	sum := digest("uuid", stack, logicalID)
	sum[6] = sum[6]&0x0f | 0x40
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// PhysicalName returns stack-LogicalID, cut to most characters. CloudFormation
// appends random characters, which names within one stack do not need; a
// shortened name gets some, so that it stays unique.
func (s *Set) PhysicalName(res *template.Resource, most int) string {
	stack := s.owner(res).Stack.Name
	name := stack + "-" + res.ID
	if len(name) <= most {
		return name
	}
	sum := digest("name", stack, res.ID)
	suffix := "-" + strings.ToUpper(hex.EncodeToString(sum[:6]))
	return name[:most-len(suffix)] + suffix
}
