// Package profile stores what a chat client keeps between two starts: the
// private keys of its devices, the pinned services and devices, and the state
// of a `sotto frame` session.
//
// One profile holds many users of many deployments, in one folder that several
// processes may use at the same time. Every change is made under a file lock
// and is atomic, so two concurrent first starts create one device. [Memory] is
// a profile without a folder, for tests and load generators.
//
// Private keys are in files of mode 0600 below folders of mode 0700. The
// package refuses files that others can read, damaged files and unknown
// versions; it never repairs or guesses, and deletes only by Deployment.Forget.
// On Windows the folder's access list protects the files, and modes are not
// checked.
package profile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/sotto-chat/sotto/shared/chat"
)

// The reasons why a profile is refused. The errors that wrap them name the file
// and say what to do.
var (
	ErrInsecure = errors.New("readable by others")
	ErrCorrupt  = errors.New("damaged")
	ErrVersion  = errors.New("of a version that this program does not know")
)

// Store is a profile. It is safe for concurrent use.
type Store struct{ backend backend }

// Open opens the profile in a folder, and creates the folder if necessary.
// Error: ErrInsecure if others have access to the folder.
func Open(dir string) (*Store, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find the profile: %w", err)
	}
	f := &folder{root: abs}
	if err := f.makeDir("."); err != nil {
		return nil, err
	}
	return &Store{backend: f}, nil
}

// DefaultDir returns the folder `sotto` in the user's configuration folder.
func DefaultDir() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find your configuration folder: %w", err)
	}
	return filepath.Join(dir, "sotto"), nil
}

// Memory returns an empty profile that lasts as long as the process.
func Memory() *Store { return &Store{backend: newMemory()} }

// addressPattern matches a host, an optional port, and a path of stage names.
var addressPattern = regexp.MustCompile(`^[a-z0-9.:\[\]-]+(/[A-Za-z0-9_-]+)*$`)

// Deployment returns the part of the profile for the service at an address:
// host, port if it is not the scheme's default, and stage, as in
// `abc.execute-api.eu-west-1.amazonaws.com/prod`.
func (s *Store) Deployment(address string) (*Deployment, error) {
	if !addressPattern.MatchString(address) || strings.Trim(address, ".") != address {
		return nil, fmt.Errorf("%q is not the address of a deployment", address)
	}
	// A Windows file name cannot contain a colon. Neither replacement occurs in
	// an address, so two addresses never share a folder.
	dir := strings.NewReplacer(":", "+", "/", "@").Replace(address)
	return &Deployment{backend: s.backend, address: address, dir: dir}, nil
}

// Deployment is the part of a profile for one deployment. A device belongs to
// one deployment only, so that a token signed for one cannot be used at
// another.
type Deployment struct {
	backend backend
	address string
	dir     string
}

// Address returns the address of the deployment.
func (d *Deployment) Address() string { return d.address }

// Folder returns the folder of the deployment's files, for messages to users.
func (d *Deployment) Folder() string { return d.backend.path(d.dir) }

func (d *Deployment) lock() string { return d.dir + "/lock" }

// User returns the part of the profile for one user of the deployment.
func (d *Deployment) User(name chat.User) *User {
	// Prefixed because some names, such as con, are reserved on Windows.
	return &User{deployment: d, name: name, dir: d.dir + "/user-" + string(name)}
}

// User is the part of a profile for one user: its device and the devices that
// it knows.
type User struct {
	deployment *Deployment
	name       chat.User
	dir        string
}

// Name returns the user's name.
func (u *User) Name() chat.User { return u.name }

// Deployment returns the deployment that the user belongs to.
func (u *User) Deployment() *Deployment { return u.deployment }
