// Package profile keeps what a chat client must remember between two starts:
// its devices' private keys, the services and devices it has come to trust, and
// the state of a session that is driven by hand with `sotto frame`.
//
// One profile holds many users on many deployments, in one folder that several
// processes may use at the same time: every change is made under a file lock
// and lands whole or not at all, and two first starts end with one device key.
// [Memory] is the same without a folder, for tests and load.
//
// Private keys stand in files of mode 0600 below folders of mode 0700. What
// others could read is refused rather than used, and so is what is damaged or
// of a version this package does not know; it never repairs, guesses or
// deletes. On Windows the user's own profile folder is the protection, and
// modes are not looked at.
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

// The reasons why a profile is refused. The error's text names the file and
// what to do.
var (
	ErrInsecure = errors.New("readable by others")
	ErrCorrupt  = errors.New("damaged")
	ErrVersion  = errors.New("of a version this program does not know")
)

// Store is a profile. Safe for concurrent use.
type Store struct{ backend backend }

// Open opens the profile in a folder and makes the folder where there is none.
// Error: ErrInsecure where others may look into the folder.
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

// DefaultDir is the folder `sotto` in the user's configuration folder.
func DefaultDir() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find your configuration folder: %w", err)
	}
	return filepath.Join(dir, "sotto"), nil
}

// Memory returns an empty profile that ends with the process.
func Memory() *Store { return &Store{backend: newMemory()} }

// addressPattern is a host, perhaps with a port, and a path of stage names.
var addressPattern = regexp.MustCompile(`^[a-z0-9.:\[\]-]+(/[A-Za-z0-9_-]+)*$`)

// Deployment returns what the profile knows of the service at an address: host,
// port where it is not the scheme's own, and stage, as in
// `abc.execute-api.eu-west-1.amazonaws.com/prod`.
func (s *Store) Deployment(address string) (*Deployment, error) {
	if !addressPattern.MatchString(address) || strings.Trim(address, ".") != address {
		return nil, fmt.Errorf("%q is not the address of a deployment", address)
	}
	// A colon is no part of a Windows file name. Neither replacement occurs in
	// an address, so two addresses never share a folder.
	dir := strings.NewReplacer(":", "+", "/", "@").Replace(address)
	return &Deployment{backend: s.backend, address: address, dir: dir}, nil
}

// Deployment is what a profile knows of one deployment. A device belongs to one
// deployment only, so that nothing signed for one is of use at another.
type Deployment struct {
	backend backend
	address string
	dir     string
}

// Address is the address the deployment was named by.
func (d *Deployment) Address() string { return d.address }

// Folder says where the deployment's files are, for messages to people.
func (d *Deployment) Folder() string { return d.backend.path(d.dir) }

func (d *Deployment) lock() string { return d.dir + "/lock" }

// User returns what the profile holds of one user of the deployment.
func (d *Deployment) User(name chat.User) *User {
	// Prefixed because some names, such as con, are no file names on Windows.
	return &User{deployment: d, name: name, dir: d.dir + "/user-" + string(name)}
}

// User is one user's device and what it has learnt.
type User struct {
	deployment *Deployment
	name       chat.User
	dir        string
}

// Name is the user's name.
func (u *User) Name() chat.User { return u.name }

// Deployment is where the user lives.
func (u *User) Deployment() *Deployment { return u.deployment }
