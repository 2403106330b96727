package keyring_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/keyring"
	"github.com/sotto-chat/sotto/shared/keyring/keyringtest"
)

func TestAnotherDeploymentsKeysAreRefused(t *testing.T) {
	d := newDeployment()
	d.keySet(t, d.instance())
	for name, k := range map[string]*keyring.Keyring{
		"another audience": making(d.store, d.kms, keyring.Options{Audience: "other/prod", Now: d.clock.Now}),
		"no audience":      making(d.store, d.kms, keyring.Options{Now: d.clock.Now}),
	} {
		if _, _, err := k.KeySet(t.Context()); err == nil {
			t.Errorf("%s: served the key set", name)
		}
	}
	foreign := keyring.New(d.store, keyringtest.NewKMS(), keyring.Options{Audience: audience, Now: d.clock.Now})
	if err := foreign.Rotate(t.Context()); err == nil {
		t.Error("rotated under another KMS key")
	}
	if got := d.keySet(t, d.instance()); got.Generation != 1 {
		t.Errorf("generation %d after a rotation that failed", got.Generation)
	}
}

// An attacker who can write the database but not use KMS can remove keys, not
// add them.
func TestTamperedRecordsAreRefused(t *testing.T) {
	for name, tamper := range map[string]func(t *testing.T, d *deployment){
		"key set of another signer": func(t *testing.T, d *deployment) {
			other := newDeployment()
			other.keySet(t, other.instance())
			d.put(t, other.records(t, keyring.KindKeySet)["current"])
		},
		"key set under another generation": func(t *testing.T, d *deployment) {
			r := d.records(t, keyring.KindKeySet)["current"]
			r.Generation++
			d.put(t, d.records(t, keyring.KindServer)["1"], r)
		},
		"key set that hides a retirement": func(t *testing.T, d *deployment) {
			r := d.records(t, keyring.KindKeySet)["current"]
			r.Value = bytes.Replace(r.Value, []byte(`"retired":[`), []byte(`"retired":[{"number":1,"at":1}`), 1)
			d.put(t, r)
		},
		"another active key": func(t *testing.T, d *deployment) {
			other := newDeployment()
			other.keySet(t, other.instance())
			d.put(t, other.records(t, keyring.KindServer)["1"])
		},
		"another session key": func(t *testing.T, d *deployment) {
			other := newDeployment()
			other.keySet(t, other.instance())
			d.put(t, other.records(t, keyring.KindSession)["1"])
		},
		"missing session key": func(t *testing.T, d *deployment) {
			if err := d.store.Delete(t.Context(), keyring.KindSession, "1"); err != nil {
				t.Fatal(err)
			}
		},
		"record of an unknown kind": func(t *testing.T, d *deployment) {
			d.put(t, keyring.Record{Kind: "x", ID: "1", Generation: 1, Value: []byte("{}")})
		},
		"server key that is no JSON": func(t *testing.T, d *deployment) {
			d.put(t, keyring.Record{Kind: keyring.KindServer, ID: "2", Generation: 1, Value: []byte("x")})
		},
		"server key under a strange id": func(t *testing.T, d *deployment) {
			r := d.records(t, keyring.KindServer)["1"]
			r.ID = "01"
			d.put(t, r)
		},
		"missing active key": func(t *testing.T, d *deployment) {
			if err := d.store.Delete(t.Context(), keyring.KindServer, "1"); err != nil {
				t.Fatal(err)
			}
		},
		"missing service key": func(t *testing.T, d *deployment) {
			if err := d.store.Delete(t.Context(), keyring.KindService, "service"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDeployment()
			d.keySet(t, d.instance())
			tamper(t, d)
			if token, _, err := d.instance().KeySet(t.Context()); err == nil {
				t.Errorf("served %s", token)
			}
		})
	}
}

// A swapped private half is noticed before anything is opened or signed with
// it.
func TestSwappedPrivateKeysAreRefused(t *testing.T) {
	d := newDeployment()
	k := d.instance()
	first := d.keySet(t, k).active()
	rotate(t, k)
	servers := d.records(t, keyring.KindServer)
	_, wrapped, _ := bytes.Cut(servers["2"].Value, []byte(`"wrapped":`))
	head, _, _ := bytes.Cut(servers["1"].Value, []byte(`"wrapped":`))
	swapped := servers["1"]
	swapped.Value = append(append(bytes.Clone(head), `"wrapped":`...), wrapped...)
	d.put(t, swapped)
	if got, _, err := d.instance().OpenSend(t.Context(), seal(t, first, "x")); err == nil ||
		errors.Is(err, envelope.ErrEnvelope) {
		t.Errorf("opened %q, %v; want a failure of the service, not of the token", got, err)
	}
}

// A pair that an attacker published without KMS is not activated.
func TestForeignPublishedKeyIsNotActivated(t *testing.T) {
	d := newDeployment()
	k := d.instance()
	d.keySet(t, k)
	other := newDeployment()
	other.keySet(t, other.instance())
	foreign := other.records(t, keyring.KindServer)["1"]
	foreign.ID = "2"
	d.put(t, foreign)
	if err := k.Rotate(t.Context()); err == nil {
		t.Error("rotated to a key whose private half the keyring does not have")
	}
	if got := d.keySet(t, d.instance()); got.Generation != 1 {
		t.Errorf("generation %d", got.Generation)
	}
}

// put overwrites records without conditions, as an attacker with write access
// can.
func (d *deployment) put(t *testing.T, records ...keyring.Record) {
	t.Helper()
	for _, r := range records {
		if err := d.store.Delete(t.Context(), r.Kind, r.ID); err != nil {
			t.Fatal(err)
		}
		if err := d.store.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

// A wiped database is a new deployment; an instance that outlived it notices.
func TestWipedStore(t *testing.T) {
	d := newDeployment()
	k := d.instance()
	old := d.keySet(t, k)
	rotate(t, k)
	d.store.Store = keyringtest.NewStore()
	fresh := d.keySet(t, k)
	if fresh.Generation != 1 || fresh.signer == old.signer {
		t.Errorf("generation %d by the same signer: %v", fresh.Generation, fresh.signer == old.signer)
	}
	wantOpens(t, k, fresh.active())
	wantStale(t, k, old.active())
}
