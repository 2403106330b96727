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

// keyGen returns the generation of the key set that the client seals to.
func keyGen(c *Client) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current.keySet().Gen
}

func TestServerKeysAreFollowed(t *testing.T) {
	for name, announce := range map[string]bool{"when announced": true, "when refused": false} {
		t.Run(name, func(t *testing.T) {
			s := clienttest.New(t)
			ada := connect(t, s, "ada")
			send(t, ada, "one")
			for range 2 {
				before := keyGen(ada)
				s.RotateServerKey(false, announce)
				if announce {
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
				t.Errorf("the log has %q, want 3 texts", log)
			}
			if refused := len(sent) - 3; announce && refused != 0 || !announce && refused != 2 {
				t.Errorf("%d frames were sealed to an old key, want 0 if announced and 2 otherwise", refused)
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
			// A pushed set is ignored, and the old one is still valid.
			s.RotateServerKey(true, true)
			send(t, ada, "x")
			// In a handshake it ends the client.
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
		// The other process has the profile but does not know of the rotation.
		send(t, ada, "x")
		expect(t, sub, "x")
	}
	if n := len(s.Frames(frame.ActionHistory)); n != 0 {
		t.Errorf("the history was requested %d times, want 0", n)
	}
	// It must read the profile again, or it connects with an old key.
	s.Disconnect()
	send(t, elsewhere, "y")
	expect(t, sub, "y")
}

func TestTheNextConnectionCompletesAnInterruptedRotation(t *testing.T) {
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
					go ada.cancel(ErrClosed) // as if the process died
					return nil
				})})
				if _, err := ada.Rotate(within(t)); !errors.Is(err, ErrClosed) {
					t.Fatalf("rotate in a process that dies: %v", err)
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
				t.Errorf("the next rotation: generation %d, %v; want 3", gen, err)
			}
		})
	}
}

func TestRotateRetriesAfterALostConnection(t *testing.T) {
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
		t.Errorf("rotate: generation %d (service: %d), %v; want 2", gen, s.DeviceGen("ada"), err)
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

func TestANewDeviceIsReported(t *testing.T) {
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
	// The profile remembers the devices.
	_ = bob.Close()
	sub = subscribe(t, connect(t, s, "bob", with(p)), chat.Lobby, 0)
	for range 4 {
		if m := next(t, sub); m.NewDevice {
			t.Errorf("seq %d: a known device is reported as new", m.Seq)
		}
	}
}

func TestFramesDoNotContainPlaintext(t *testing.T) {
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
		t.Errorf("the frames contain the text, or no jwe: %s", &seen)
	}
}

// A device keeps one previous key. A page that was sealed before two rotations
// cannot be opened and is requested again.
func TestAPageSealedBeforeTwoRotationsIsRequestedAgain(t *testing.T) {
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
	if _, err := bob.CreateRoom(within(t), "den"); err != nil {
		t.Fatal(err)
	}
	expect(t, sub, "first", "second")
}
