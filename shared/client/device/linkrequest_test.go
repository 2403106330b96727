package device

import (
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/profile"
)

// The vectors belong to every implementation; those without a user are to be
// refused.
func TestLinkRequestVectors(t *testing.T) {
	data, err := os.ReadFile("../../envelope/testdata/links.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Comment string      `json:"comment"`
		Text    string      `json:"text"`
		User    chat.User   `json:"user"`
		Device  chat.Device `json:"dev"`
		Aud     string      `json:"aud"`
	}
	if err := json.Unmarshal(data, &vectors); err != nil || len(vectors) == 0 {
		t.Fatal("no vectors: ", err)
	}
	for _, v := range vectors {
		t.Run(v.Comment, func(t *testing.T) {
			r, err := ParseLinkRequest(v.Text)
			if v.User == "" {
				if !errors.Is(err, ErrLinkRequest) {
					t.Errorf("got %+v, %v, want ErrLinkRequest", r, err)
				}
				return
			}
			if want := (LinkRequest{User: v.User, Device: v.Device, Audience: v.Aud}); err != nil || r != want {
				t.Errorf("got %+v, %v, want %+v", r, err, want)
			}
			if r.String() != v.Text {
				t.Errorf("it is written %s", r)
			}
		})
	}
}

func TestRequestLink(t *testing.T) {
	deployment, err := profile.Memory().Deployment("chat.example.com/prod")
	if err != nil {
		t.Fatal(err)
	}
	user := deployment.User("ada")
	unmet, err := RequestLink(user)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := user.Device()
	if err != nil {
		t.Fatal(err)
	}
	if want := (LinkRequest{User: "ada", Device: keys.ID(), Audience: "chat.example.com/prod"}); unmet != want {
		t.Errorf("got %+v, want %+v", unmet, want)
	}
	err = deployment.UpdateTrust(func(t profile.Trust) (profile.Trust, error) {
		t.Audience = "abc.example/prod"
		return t, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if met, err := RequestLink(user); err != nil || met.Audience != "abc.example/prod" {
		t.Errorf("got %+v, %v", met, err)
	}
	if again, err := ParseLinkRequest(unmet.String()); err != nil || again != unmet {
		t.Errorf("read back %+v, %v", again, err)
	}
}
