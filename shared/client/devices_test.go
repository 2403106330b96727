package client

import (
	"errors"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/clienttest"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/client/profile"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// newDevice makes a profile with a new device of the client's user. The service
// does not know the device.
func newDevice(t *testing.T, of *Client) (*profile.Store, chat.Device) {
	t.Helper()
	address, err := device.Address(of.url)
	if err != nil {
		t.Fatal(err)
	}
	p := profile.Memory()
	deployment, err := p.Deployment(address)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := deployment.User(of.User()).Device()
	if err != nil {
		t.Fatal(err)
	}
	return p, keys.ID()
}

// linkedBy lets connect use a new device that other has linked.
func linkedBy(t *testing.T, other *Client) func(*setup) {
	t.Helper()
	p, id := newDevice(t, other)
	return func(d *setup) { d.Profile, d.Link = p, linkToken(t, other, id) }
}

// linkToken returns a token for a device, signed by another client's device.
func linkToken(t *testing.T, by *Client, id chat.Device) string {
	t.Helper()
	token, expires, err := by.Link(within(t), id)
	if err != nil {
		t.Fatalf("link: %v", err)
	}
	if left := time.Until(expires); left <= 0 || left > chat.LinkLifetime {
		t.Errorf("the link expires in %v, want at most %v", left, chat.LinkLifetime)
	}
	return token
}

func TestASecondDevice(t *testing.T) {
	s := clienttest.New(t)
	first := connect(t, s, "ada")
	p, id := newDevice(t, first)
	_, err := open(within(t), Options{URL: s.URL, User: "ada", Profile: p}, quick)
	if !errors.Is(err, chat.NameTaken) {
		t.Errorf("open without a link: %v, want %v", err, chat.NameTaken)
	}
	_, other := newDevice(t, first)
	_, err = open(within(t), Options{URL: s.URL, User: "ada", Profile: p, Link: linkToken(t, first, other)}, quick)
	if !errors.Is(err, chat.DeviceUnknown) {
		t.Errorf("open with another device's link: %v, want %v", err, chat.DeviceUnknown)
	}
	second := connect(t, s, "ada", with(p), func(d *setup) { d.Link = linkToken(t, first, id) })
	if second.Device() != id {
		t.Errorf("the second device is %s, want %s", second.Device(), id)
	}
	// Each of them knows the other device.
	here, there := subscribe(t, first, chat.Lobby, NewOnly), subscribe(t, second, chat.Lobby, NewOnly)
	send(t, first, "from the first")
	send(t, second, "from the second")
	for _, sub := range []*Subscription{here, there} {
		for _, want := range []chat.Device{first.Device(), id} {
			if m := next(t, sub); m.Device != want || m.NewDevice {
				t.Errorf("got %+v, want a message from the known device %s", m, want)
			}
		}
	}
	// The link is used up: later handshakes do not have it.
	s.Disconnect()
	send(t, second, "again")
	var last frame.HandshakeClaims
	for _, f := range s.Frames(frame.ActionHandshake) {
		token, err := envelope.ParseSigned(f.Proof, envelope.TypeHandshake)
		if err != nil || token.KID != string(id) { // a begin, or of the first device
			continue
		}
		payload, err := token.Verify(token.JWK)
		if err != nil {
			t.Fatal(err)
		}
		last = frame.HandshakeClaims{}
		if err := strict.Unmarshal(payload, &last); err != nil {
			t.Fatal(err)
		}
	}
	if last.Nonce == "" || last.Link != "" {
		t.Errorf("the last proof claims %+v, want a nonce and no link", last)
	}
}

func TestDevicesAreListedAndRevoked(t *testing.T) {
	s := clienttest.New(t)
	first := connect(t, s, "ada")
	p, id := newDevice(t, first)
	second := connect(t, s, "ada", with(p), func(d *setup) { d.Link = linkToken(t, first, id) })
	for range 2 { // the second time has no effect
		if err := first.Revoke(within(t), id); err != nil {
			t.Fatalf("revoke: %v", err)
		}
	}
	devices, err := first.Devices(within(t))
	if err != nil || len(devices) != 2 {
		t.Fatalf("devices: %+v, %v", devices, err)
	}
	for _, d := range devices {
		if d.Revoked != (d.ID == id) || d.Current != (d.ID == first.Device()) ||
			time.Since(d.AddedAt) > time.Hour || time.Since(d.LastSeenAt) > time.Hour {
			t.Errorf("got %+v; want revoked only %s, current only %s, and recent times", d, id, first.Device())
		}
	}
	<-second.Done()
	if !errors.Is(second.Err(), chat.DeviceRevoked) {
		t.Errorf("the revoked client ended with %v, want %v", second.Err(), chat.DeviceRevoked)
	}
	_, err = open(within(t), Options{URL: s.URL, User: "ada", Profile: p, Link: linkToken(t, first, id)}, quick)
	if !errors.Is(err, chat.DeviceRevoked) {
		t.Errorf("open as the revoked device: %v, want %v", err, chat.DeviceRevoked)
	}
}

func TestDevicesThatCannotBeLinkedOrRevoked(t *testing.T) {
	s := clienttest.New(t)
	ada := connect(t, s, "ada")
	_, stranger := newDevice(t, ada)
	for _, c := range []struct {
		id             chat.Device
		linked, revoke error
	}{
		{"short", ErrThumbprint, ErrThumbprint},
		{ada.Device(), ErrOwnDevice, ErrOwnDevice},
		{stranger, nil, chat.DeviceUnknown},
	} {
		if _, _, err := ada.Link(within(t), c.id); !errors.Is(err, c.linked) {
			t.Errorf("link %q: %v, want %v", c.id, err, c.linked)
		}
		if err := ada.Revoke(within(t), c.id); !errors.Is(err, c.revoke) {
			t.Errorf("revoke %q: %v, want %v", c.id, err, c.revoke)
		}
	}
}

func TestRevokeRetriesAfterALostConnection(t *testing.T) {
	s := clienttest.New(t)
	first := connect(t, s, "ada")
	second := connect(t, s, "ada", linkedBy(t, first))
	s.Misbehave(clienttest.Faults{Answer: answers("ada", frame.TypeRevoked, func(n int, data []byte) [][]byte {
		if n == 1 {
			go s.Disconnect()
			return nil
		}
		return [][]byte{data}
	})})
	if err := first.Revoke(within(t), second.Device()); err != nil {
		t.Errorf("revoke: %v", err)
	}
}
