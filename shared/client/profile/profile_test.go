package profile

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/shared/chat"
)

// childOf runs this test binary as a second process on a profile.
var childOf = flag.String("child-of", "", "print the device of the profile in this folder")

func TestMain(m *testing.M) {
	flag.Parse()
	if *childOf == "" {
		os.Exit(m.Run())
	}
	d, err := child(*childOf)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%s %s %d", d.ID(), d.Newest().Private.Thumbprint(), d.Newest().Gen)
}

// child does a first start and prepares a rotation, while other processes do
// the same.
func child(dir string) (Device, error) {
	s, err := Open(dir)
	if err != nil {
		return Device{}, err
	}
	deployment, err := s.Deployment(address)
	if err != nil {
		return Device{}, err
	}
	u := deployment.User("ada")
	if _, err := u.Device(); err != nil {
		return Device{}, err
	}
	if _, _, err := u.Pin("bob", chat.Device(fmt.Sprint("device of ", os.Getpid()))); err != nil {
		return Device{}, err
	}
	return u.PrepareKey()
}

const address = "127.0.0.1:4566/local"

func ada(t *testing.T, s *Store) *User {
	t.Helper()
	d, err := s.Deployment(address)
	if err != nil {
		t.Fatal(err)
	}
	return d.User("ada")
}

func onDisk(t *testing.T) (*Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a", "profile")
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

// TestStore tests the behaviour of a profile on both backends.
func TestStore(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) (s *Store, again func() *Store){
		"folder": func(t *testing.T) (*Store, func() *Store) {
			s, dir := onDisk(t)
			return s, func() *Store {
				again, err := Open(dir)
				if err != nil {
					t.Fatal(err)
				}
				return again
			}
		},
		"memory": func(*testing.T) (*Store, func() *Store) {
			s := Memory()
			return s, func() *Store { return s }
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, again := open(t)
			t.Run("device", func(t *testing.T) { testDevice(t, ada(t, s), ada(t, again())) })
			t.Run("trust", func(t *testing.T) { testTrust(t, ada(t, s), ada(t, again())) })
			t.Run("known", func(t *testing.T) { testKnown(t, ada(t, s), ada(t, again())) })
			t.Run("frame session", func(t *testing.T) { testFrameSession(t, ada(t, s), ada(t, again())) })
		})
	}
}

func device(t *testing.T, f func() (Device, error)) Device {
	t.Helper()
	d, err := f()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func testDevice(t *testing.T, u, again *User) {
	if has, err := u.HasDevice(); has || err != nil {
		t.Fatalf("a new profile: HasDevice = %v, %v, want false", has, err)
	}
	first := device(t, u.Device)
	if first.Current.Gen != 1 || first.Next != nil || first.Previous != nil {
		t.Errorf("the first device is %+v, want generation 1 and no other keys", first)
	}
	if same := device(t, again.Device); same.ID() != first.ID() ||
		same.Current.Private.Thumbprint() != first.Current.Private.Thumbprint() {
		t.Errorf("the second start has device %s, want %s", same.ID(), first.ID())
	}
	if other := device(t, u.deployment.User("bob").Device); other.ID() == first.ID() {
		t.Errorf("ada and bob have the same device %s", first.ID())
	}
	prepared := device(t, u.PrepareKey)
	if prepared.Newest().Gen != 2 || prepared.Current.Gen != 1 {
		t.Errorf("after preparing: newest %d, current %d; want 2 and 1", prepared.Newest().Gen, prepared.Current.Gen)
	}
	twice := device(t, again.PrepareKey)
	if twice.Newest().Private.Thumbprint() != prepared.Newest().Private.Thumbprint() {
		t.Error("the second PrepareKey makes another key, want the prepared one")
	}
	for _, gen := range []int64{1, 3} { // not prepared
		if d := device(t, func() (Device, error) { return u.ConfirmKey(gen) }); d.Current.Gen != 1 {
			t.Errorf("after confirming %d: generation %d is current, want 1", gen, d.Current.Gen)
		}
	}
	if d := device(t, func() (Device, error) { return u.ConfirmKey(2) }); d.Current.Gen != 2 || d.Next != nil {
		t.Errorf("after confirming 2: %+v, want generation 2 and no next key", d)
	}
	now := device(t, again.Device)
	for _, key := range []Key{first.Current, *prepared.Next} {
		if now.Find(key.Private.Thumbprint()) == nil {
			t.Errorf("Find returns nil for the key of generation %d", key.Gen)
		}
	}
	if now.Find("unknown") != nil {
		t.Error("Find returns a key for an unknown thumbprint")
	}
}

func testTrust(t *testing.T, u, again *User) {
	d := u.Deployment()
	if trust, err := d.Trust(); err != nil || trust != (Trust{}) {
		t.Fatalf("a new profile trusts %+v, %v, want nothing", trust, err)
	}
	want := Trust{Audience: "a/b", ServiceKey: "k", Gen: 3}
	if err := d.UpdateTrust(func(Trust) (Trust, error) { return want, nil }); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	if err := d.UpdateTrust(func(Trust) (Trust, error) { return Trust{}, refused }); !errors.Is(err, refused) {
		t.Errorf("UpdateTrust: got %v, want %v", err, refused)
	}
	if trust, err := again.Deployment().Trust(); err != nil || trust != want {
		t.Errorf("the second start trusts %+v, %v; want %+v", trust, err, want)
	}
}

func testKnown(t *testing.T, u, again *User) {
	for i, c := range []struct {
		device chat.Device
		fresh  bool
	}{{"one", false}, {"one", false}, {"two", true}, {"two", false}, {"one", false}} {
		_, fresh, err := again.Pin("bob", c.device)
		if err != nil || fresh != c.fresh {
			t.Errorf("%d: pin %s: fresh %v, %v; want %v", i, c.device, fresh, err, c.fresh)
		}
	}
	if known, err := u.Known(); err != nil || len(known["bob"]) != 2 {
		t.Errorf("Known = %v, %v; want two devices of bob", known, err)
	}
}

func testFrameSession(t *testing.T, u, again *User) {
	want := FrameSession{KeySet: "token", Nonce: "nonce", SID: "sid"}
	if err := u.SetFrameSession(want); err != nil {
		t.Fatal(err)
	}
	if got, err := again.FrameSession(); err != nil || got != want {
		t.Errorf("FrameSession = %+v, %v; want %+v", got, err, want)
	}
}

func TestDeploymentsHaveSeparateFolders(t *testing.T) {
	s := Memory()
	seen := map[string]string{}
	for _, address := range []string{"127.0.0.1:4566/local", "127.0.0.1:4566/local2",
		"127.0.0.1:4567/local", "[::1]:4566/local", "a.example/prod", "a.example/prod/x", "a.example"} {
		d, err := s.Deployment(address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if other, taken := seen[d.dir]; taken {
			t.Errorf("%s and %s have the same folder %s", address, other, d.dir)
		}
		seen[d.dir] = address
	}
	for _, address := range []string{"", ".", "..", "../x", "a/../b", "a//b", "a b/c", "A.example/x", `a\b`} {
		if _, err := s.Deployment(address); err == nil {
			t.Errorf("Deployment(%q): got no error", address)
		}
	}
}

func TestConcurrentFirstStartsCreateOneDevice(t *testing.T) {
	_, dir := onDisk(t)
	const processes = 4
	var children []*exec.Cmd
	var out [processes]strings.Builder
	for i := range processes {
		c := exec.Command(os.Args[0], "-child-of="+dir)
		c.Stdout, c.Stderr = &out[i], &out[i]
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		children = append(children, c)
	}
	for i, c := range children {
		if err := c.Wait(); err != nil || out[i].String() != out[0].String() || out[i].Len() == 0 {
			t.Errorf("process %d: %v, got %q, want the same as the first, %q", i, err, &out[i], &out[0])
		}
	}
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if known, err := ada(t, s).Known(); err != nil || len(known["bob"]) != processes {
		t.Errorf("%d devices were pinned at once, but known are %v, %v", processes, known, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*", "*", ".new-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v, %v", left, err)
	}
}

func TestRefusedProfiles(t *testing.T) {
	file := func(dir string) string { return filepath.Join(dir, "127.0.0.1+4566@local", "user-ada", "device.json") }
	rewrite := func(change func(string) string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			data, err := os.ReadFile(file(dir))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file(dir), []byte(change(string(data))), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	replace := func(old, new string) func(t *testing.T, dir string) {
		return rewrite(func(s string) string { return strings.Replace(s, old, new, 1) })
	}
	mode := func(m os.FileMode, of func(dir string) string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			if runtime.GOOS == "windows" {
				t.Skip("Windows has no modes")
			}
			if err := os.Chmod(of(dir), m); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		damage func(t *testing.T, dir string)
		want   error
		says   string
	}{
		"a key file that others read":    {mode(0o644, file), ErrInsecure, "chmod 600"},
		"a key file that a group writes": {mode(0o620, file), ErrInsecure, "chmod 600"},
		"a user's folder that others list": {mode(0o755,
			func(dir string) string { return filepath.Dir(file(dir)) }), ErrInsecure, "chmod 700"},
		"a deployment's folder": {mode(0o750,
			func(dir string) string { return filepath.Dir(filepath.Dir(file(dir))) }), ErrInsecure, "chmod 700"},
		"the profile's folder": {mode(0o701, func(dir string) string { return dir }),
			ErrInsecure, "chmod 700"},
		"half a file": {rewrite(func(s string) string { return s[:len(s)/2] }),
			ErrCorrupt, "links this one (sotto devices link)"},
		"an empty file":             {rewrite(func(string) string { return "" }), ErrCorrupt, "backup"},
		"no version":                {replace(`"version":1,`, ``), ErrVersion, "(0)"},
		"a later version":           {replace(`"version":1`, `"version":2`), ErrVersion, "(2)"},
		"a seed that is too short":  {replace(`"seed":"`, `"seed":"AAAA","x":"`), ErrCorrupt, "seed"},
		"an invalid key":            {replace(`"pkcs8":"`, `"pkcs8":"AAAA`), ErrCorrupt, "backup"},
		"another user's file":       {replace(`"user":"ada"`, `"user":"bob"`), ErrCorrupt, `belongs to "bob"`},
		"another deployment's file": {replace(`4566/local"`, `4566/other"`), ErrCorrupt, "belongs to"},
		"a generation out of order": {replace(`"gen":1`, `"gen":0`), ErrCorrupt, "order"},
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := onDisk(t)
			device(t, ada(t, s).Device)
			c.damage(t, dir)
			s, err := Open(dir)
			if err == nil {
				_, err = ada(t, s).Device()
			}
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) ||
				!strings.Contains(err.Error(), dir) {
				t.Errorf("got %v, want %v with %q and %s", err, c.want, c.says, dir)
			}
		})
	}
}

func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no modes")
	}
	s, dir := onDisk(t)
	u := ada(t, s)
	device(t, u.PrepareKey)
	if err := errors.Join(u.SetFrameSession(FrameSession{Nonce: "n"}),
		u.deployment.UpdateTrust(func(Trust) (Trust, error) { return Trust{Gen: 1}, nil })); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, want no access for others", path, info.Mode())
		}
		files++
		return err
	})
	if err != nil || files < 6 {
		t.Errorf("walked over %d files, %v; want at least 6", files, err)
	}
}
