package client

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/clienttest"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/client/profile"
	"github.com/sotto-chat/sotto/shared/frame"
)

// keyGen is the generation of the key set that the client seals to.
func keyGen(c *Client) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current.keySet().Gen
}

func TestServerKeysAreFollowed(t *testing.T) {
	for name, tell := range map[string]bool{"when told": true, "when refused": false} {
		t.Run(name, func(t *testing.T) {
			s := clienttest.New(t)
			ada := connect(t, s, "ada")
			send(t, ada, "one")
			for range 2 {
				before := keyGen(ada)
				s.RotateServerKey(false, tell)
				if tell {
					eventually(t, "the new key set arrives", func() bool { return keyGen(ada) > before })
				}
				send(t, ada, "more")
			}
			ids := map[chat.MessageID]int{}
			sent := s.Frames(frame.ActionSendMessage)
			for _, f := range sent {
				ids[f.Claims.ID]++
			}
			if log := s.Log(chat.Lobby); len(log) != 3 {
				t.Errorf("the log has %q", log)
			}
			if refused := len(sent) - 3; tell && refused != 0 || !tell && refused != 2 {
				t.Errorf("%d frames were sealed to an old key", refused)
			}
		})
	}
}

func TestAServiceThatChangesItsIdentityIsRefused(t *testing.T) {
	claims := func(change func(*frame.KeySetClaims)) func(*clienttest.Service) {
		return func(s *clienttest.Service) { s.Misbehave(clienttest.Faults{KeySet: change}) }
	}
	for name, c := range map[string]struct {
		change func(*clienttest.Service)
		want   error
	}{
		"another signer":   {(*clienttest.Service).ReplaceServiceKey, device.ErrSigner},
		"a lower gen":      {claims(func(k *frame.KeySetClaims) { k.Gen = 1 }), device.ErrOlder},
		"an expired set":   {claims(func(k *frame.KeySetClaims) { k.Exp = 1 }), device.ErrExpired},
		"another audience": {claims(func(k *frame.KeySetClaims) { k.Aud = "evil.example/prod" }), device.ErrAudience},
		"no keys":          {claims(func(k *frame.KeySetClaims) { k.Keys = nil }), device.ErrProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			s := clienttest.New(t)
			s.RotateServerKey(true, false)
			p := profile.Memory()
			ada := connect(t, s, "ada", with(p))
			c.change(s)
			// A set that is pushed is passed over, and the old one is still
			// good.
			s.RotateServerKey(true, true)
			send(t, ada, "x")
			// One that a connection begins with ends the client.
			s.Disconnect()
			<-ada.Done()
			if !errors.Is(ada.Err(), c.want) {
				t.Errorf("the client ended with %v, want %v", ada.Err(), c.want)
			}
			if _, err := open(within(t), Options{URL: s.URL, User: "ada", Profile: p}, quick); !errors.Is(err, c.want) {
				t.Errorf("open: %v, want %v", err, c.want)
			}
		})
	}
}

func TestRotation(t *testing.T) {
	s := clienttest.New(t)
	p := profile.Memory()
	ada, elsewhere := connect(t, s, "ada", with(p)), connect(t, s, "ada", with(p))
	sub := subscribe(t, elsewhere, chat.Lobby, NewOnly)
	for want := int64(2); want <= 4; want++ {
		gen, err := ada.Rotate(within(t))
		if err != nil || gen != want || s.DeviceGen("ada") != want {
			t.Fatalf("rotate: generation %d (service: %d), %v; want %d", gen, s.DeviceGen("ada"), err, want)
		}
		// The other process has the profile but not the news.
		send(t, ada, "x")
		expect(t, sub, "x")
	}
	if n := len(s.Frames(frame.ActionHistory)); n != 0 {
		t.Errorf("the history was asked %d times", n)
	}
	// After that it connects with a key that is not the newest, if it does not
	// look.
	s.Disconnect()
	send(t, elsewhere, "y")
	expect(t, sub, "y")
}

func TestACutOffRotationHealsAtTheNextConnection(t *testing.T) {
	for name, lost := range map[string]string{"the request was lost": "", "the answer was lost": frame.TypeRotated} {
		t.Run(name, func(t *testing.T) {
			s := clienttest.New(t)
			p := profile.Memory()
			ada := connect(t, s, "ada", with(p))
			if lost == "" {
				if _, err := ada.device.PrepareRotation(); err != nil {
					t.Fatal(err)
				}
			} else {
				s.Misbehave(clienttest.Faults{Answer: answers("ada", lost, func(int, []byte) [][]byte {
					go ada.cancel(ErrClosed) // the process dies
					return nil
				})})
				if _, err := ada.Rotate(within(t)); !errors.Is(err, ErrClosed) {
					t.Fatalf("the rotation of a dying client: %v", err)
				}
				s.Misbehave(clienttest.Faults{})
			}
			_ = ada.Close()
			again := connect(t, s, "ada", with(p))
			if s.DeviceGen("ada") != 2 || again.device.Gen() != 2 {
				t.Errorf("generation %d at the service, %d in the profile; want 2", s.DeviceGen("ada"),
					again.device.Gen())
			}
			sub := subscribe(t, again, chat.Lobby, NewOnly)
			send(t, again, "x")
			expect(t, sub, "x")
			if gen, err := again.Rotate(within(t)); err != nil || gen != 3 {
				t.Errorf("the next rotation: generation %d, %v", gen, err)
			}
		})
	}
}

func TestARotationOutlivesItsConnection(t *testing.T) {
	s := clienttest.New(t)
	ada := connect(t, s, "ada")
	s.Misbehave(clienttest.Faults{Answer: answers("ada", frame.TypeRotated, func(n int, data []byte) [][]byte {
		if n == 1 {
			go s.Disconnect()
			return nil
		}
		return [][]byte{data}
	})})
	if gen, err := ada.Rotate(within(t)); err != nil || gen != 2 || s.DeviceGen("ada") != 2 {
		t.Errorf("rotate: generation %d (service: %d), %v", gen, s.DeviceGen("ada"), err)
	}
}

func TestAProfileFromBeforeARotationIsStale(t *testing.T) {
	s := clienttest.New(t)
	dir := t.TempDir()
	p := func(name string) *profile.Store {
		store, err := profile.Open(dir + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
	ada := connect(t, s, "ada", with(p("now")))
	copyTree(t, dir+"/now", dir+"/backup")
	if _, err := ada.Rotate(within(t)); err != nil {
		t.Fatal(err)
	}
	_, err := open(within(t), Options{URL: s.URL, User: "ada", Profile: p("backup")}, quick)
	if !errors.Is(err, chat.StaleDeviceKey) {
		t.Errorf("open with the backup: %v, want %v", err, chat.StaleDeviceKey)
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := to + strings.TrimPrefix(path, from)
		if entry.IsDir() {
			return os.Mkdir(target, 0o700)
		}
		data, err := os.ReadFile(path)
		return errors.Join(err, os.WriteFile(target, data, 0o600))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestANewDeviceIsShownAsSuch(t *testing.T) {
	s := clienttest.New(t)
	p := profile.Memory()
	bob := connect(t, s, "bob", with(p))
	sub := subscribe(t, bob, chat.Lobby, NewOnly)
	first := connect(t, s, "ada")
	send(t, first, "first", "again")
	second := connect(t, s, "ada", linkedBy(t, first))
	send(t, second, "second", "again")
	for i, want := range []bool{false, false, true, false} {
		if m := next(t, sub); m.NewDevice != want {
			t.Errorf("message %d: new device is %v, want %v", i, m.NewDevice, want)
		}
	}
	// What was seen once is remembered by the profile.
	_ = bob.Close()
	sub = subscribe(t, connect(t, s, "bob", with(p)), chat.Lobby, 0)
	for range 4 {
		if m := next(t, sub); m.NewDevice {
			t.Errorf("seq %d: a known device is shown as new", m.Seq)
		}
	}
}

func TestNothingSentIsReadableOnTheWire(t *testing.T) {
	s := clienttest.New(t)
	ada := connect(t, s, "ada")
	var seen bytes.Buffer
	s.Misbehave(clienttest.Faults{Answer: func(_ chat.User, _ string, data []byte) [][]byte {
		seen.Write(data)
		return [][]byte{data}
	}})
	sub := subscribe(t, ada, chat.Lobby, NewOnly)
	send(t, ada, "a secret text")
	expect(t, sub, "a secret text")
	for _, f := range s.Frames(frame.ActionSendMessage) {
		seen.WriteString(f.JWE)
	}
	if strings.Contains(seen.String(), "secret") || !strings.Contains(seen.String(), `"jwe":`) {
		t.Errorf("frames are not what they should be: %s", &seen)
	}
}

// A device keeps one key that is over. A page that was under way during two
// rotations is sealed to the one before that, and is asked for again.
func TestAPageThatTwoRotationsHaveOvertakenIsAskedForAgain(t *testing.T) {
	s := clienttest.New(t)
	send(t, connect(t, s, "ada"), "first", "second")
	bob := connect(t, s, "bob")
	var held []byte
	asked := make(chan struct{})
	s.Misbehave(clienttest.Faults{Answer: func(user chat.User, kind string, data []byte) [][]byte {
		switch {
		case user == "bob" && kind == frame.TypeHistory && held == nil:
			held = data
			close(asked)
			return nil
		case user == "bob" && kind == frame.TypeJoined:
			return [][]byte{held, data}
		}
		return [][]byte{data}
	}})
	sub := subscribe(t, bob, chat.Lobby, 0)
	<-asked
	for range 2 {
		if _, err := bob.Rotate(within(t)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := bob.Join(within(t), "den"); err != nil {
		t.Fatal(err)
	}
	expect(t, sub, "first", "second")
}
