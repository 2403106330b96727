package envelope

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// ErrSafety means that no safety number can be made of the given parties.
var ErrSafety = errors.New("no safety number")

// The reasons why the text of another client's QR code does not agree.
var (
	ErrSafetyText   = errors.New("not the code of a safety number")
	ErrSafetyUsers  = errors.New("the code of other users")
	ErrSafetyDiffer = errors.New("the safety numbers are different")
)

const (
	safetyLabel = "sotto-safety-number-v1"
	// safetyIterations is the number of hashes that one guess costs an attacker
	// who looks for keys with the same number: 2^18. The number has 100 bits,
	// and an attacker who can choose keys on both sides has to find half of
	// them.
	safetyIterations = 1 << 17
	thumbprintLength = 43 // SHA-256 in base64url
)

// Party is one of the two users who compare: the user's name and the
// thumbprints of the signing keys of the user's devices, in any order, as the
// other user's client has pinned them.
type Party struct {
	User    string   `json:"user"`
	Devices []string `json:"devices"`
}

// Safety is the value that two users compare over another channel to check that
// they have the same keys of each other (protocol §12).
type Safety struct {
	first, second string // the users, sorted
	hash          [sha256.Size]byte
}

// SafetyNumber derives the safety of two users. It does not depend on their
// order, and it changes with every device that either of them adds or removes.
// It takes some tens of milliseconds on purpose, see safetyIterations. Error:
// ErrSafety for a user without devices, a malformed thumbprint, or one user
// twice.
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

// write writes the party as lines that are unambiguous: no name is as long as a
// thumbprint, and an empty line ends the list.
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

// Groups returns the six groups of five digits that users read to each other.
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

// String returns the groups, separated by spaces.
func (s Safety) String() string {
	groups := s.Groups()
	return strings.Join(groups[:], " ")
}

// Text returns the content of a QR code. It has the whole hash, so equal texts
// are stronger evidence than equal digits.
func (s Safety) Text() string {
	return "sotto:safety?a=" + s.first + "&b=" + s.second + "&hash=" + base64url.EncodeToString(s.hash[:])
}

// safetyText matches the output of Text.
var safetyText = regexp.MustCompile(`^sotto:safety\?a=([^&]+)&b=([^&]+)&hash=([A-Za-z0-9_-]{43})$`)

// Compare returns nil if text, the content of another client's QR code, has the
// same users and the same hash. Errors: ErrSafetyText, ErrSafetyUsers,
// ErrSafetyDiffer.
func (s Safety) Compare(text string) error {
	found := safetyText.FindStringSubmatch(strings.TrimSpace(text))
	if found == nil || found[1] >= found[2] {
		return ErrSafetyText
	}
	if found[1] != s.first || found[2] != s.second {
		return ErrSafetyUsers
	}
	if found[3] != base64url.EncodeToString(s.hash[:]) {
		return ErrSafetyDiffer
	}
	return nil
}
