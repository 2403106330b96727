package envelope

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrSafety says that a safety number cannot be made of what was given.
var ErrSafety = errors.New("no safety number")

const (
	safetyLabel = "sotto-safety-number-v1"
	// safetyIterations makes each guess of who looks for keys with a number
	// that two people would take for theirs cost 2^18 hashes; the number itself
	// has 100 bits, and with keys on both sides to choose from, half of them
	// count.
	safetyIterations = 1 << 17
	thumbprintLength = 43 // SHA-256 in base64url
)

// Party is one of the two who compare: a user's name and the thumbprints of the
// user's devices' signing keys, in any order, as the other one has pinned them.
type Party struct {
	User    string   `json:"user"`
	Devices []string `json:"devices"`
}

// Safety is what two users compare over another channel to find out whether
// they hold the same keys of each other (protocol §12).
type Safety struct {
	first, second string // the users, sorted
	hash          [sha256.Size]byte
}

// SafetyNumber derives the safety of two users. It is the same whichever of
// them comes first, and another one as soon as either has one device more or
// less. It takes some tens of milliseconds, on purpose. Error: ErrSafety for a
// user without devices, a malformed thumbprint, or one user twice.
func SafetyNumber(a, b Party) (Safety, error) {
	if a.User > b.User {
		a, b = b, a
	}
	if a.User == b.User {
		return Safety{}, fmt.Errorf("%w: it takes two users", ErrSafety)
	}
	var text strings.Builder
	for _, p := range []Party{a, b} {
		if err := p.write(&text); err != nil {
			return Safety{}, err
		}
	}
	key, err := pbkdf2.Key(sha256.New, text.String(), []byte(safetyLabel), safetyIterations, sha256.Size)
	if err != nil {
		return Safety{}, fmt.Errorf("%w: %w", ErrSafety, err)
	}
	return Safety{first: a.User, second: b.User, hash: [sha256.Size]byte(key)}, nil
}

// write puts the party down as lines that can be read in one way only: no name
// is as long as a thumbprint, and an empty line ends the list.
func (p Party) write(text *strings.Builder) error {
	if p.User == "" || len(p.User) >= thumbprintLength || strings.Contains(p.User, "\n") || len(p.Devices) == 0 {
		return fmt.Errorf("%w: a user without a name or without devices", ErrSafety)
	}
	devices := slices.Clone(p.Devices)
	slices.Sort(devices)
	fmt.Fprintln(text, p.User)
	for _, d := range slices.Compact(devices) {
		if raw, err := decode(d); err != nil || len(raw) != sha256.Size {
			return fmt.Errorf("%w: %q is no thumbprint", ErrSafety, d)
		}
		fmt.Fprintln(text, d)
	}
	fmt.Fprintln(text)
	return nil
}

// Groups are the six groups of five digits that people read out to each other.
func (s Safety) Groups() [6]string {
	var groups [6]string
	for i := range groups {
		n := uint64(0)
		for _, b := range s.hash[5*i : 5*i+5] {
			n = n<<8 | uint64(b)
		}
		groups[i] = fmt.Sprintf("%05d", n%100000)
	}
	return groups
}

// String is the number as it is shown: the groups with a space between them.
func (s Safety) String() string {
	groups := s.Groups()
	return strings.Join(groups[:], " ")
}

// Text is what a QR code carries. It holds the whole hash, so two that are the
// same, to the letter, say more than the digits do.
func (s Safety) Text() string {
	return "sotto:safety?a=" + s.first + "&b=" + s.second + "&hash=" + base64url.EncodeToString(s.hash[:])
}
