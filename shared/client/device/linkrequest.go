package device

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/profile"
)

// ErrLinkRequest says that a text is no request to link a device.
var ErrLinkRequest = errors.New("this is no request to link a device; it looks like sotto:link?user=NAME&dev=THUMBPRINT&aud=HOST/STAGE")

// LinkRequest is what a new device shows, as text or QR code, to a device that
// its user has already (protocol §12). It is no secret and proves nothing: who
// reads it asks the person whether the thumbprint is the right one.
type LinkRequest struct {
	User     chat.User
	Device   chat.Device // the new one
	Audience string      // the deployment
}

// linkRequestPattern leaves nothing to escape, so there is one way to write it.
var linkRequestPattern = regexp.MustCompile(`^sotto:link\?user=([a-z0-9_-]+)&dev=([A-Za-z0-9_-]+)&aud=([A-Za-z0-9.:\[\]_/-]{1,300})$`)

// RequestLink makes the request of a user's device in this profile, which it
// makes at first use. Before the service was met for the first time, it goes by
// the address.
func RequestLink(user *profile.User) (LinkRequest, error) {
	keys, err := user.Device()
	if err != nil {
		return LinkRequest{}, err
	}
	trust, err := user.Deployment().Trust()
	if err != nil {
		return LinkRequest{}, err
	}
	audience := trust.Audience
	if audience == "" {
		audience = user.Deployment().Address()
	}
	return LinkRequest{User: user.Name(), Device: keys.ID(), Audience: audience}, nil
}

// ParseLinkRequest reads one. Error: ErrLinkRequest.
func ParseLinkRequest(text string) (LinkRequest, error) {
	parts := linkRequestPattern.FindStringSubmatch(text)
	if parts == nil || !chat.IsThumbprint(parts[2]) {
		return LinkRequest{}, ErrLinkRequest
	}
	user, err := chat.ParseUser(parts[1])
	if err != nil {
		return LinkRequest{}, fmt.Errorf("%w (%w)", ErrLinkRequest, err)
	}
	return LinkRequest{User: user, Device: chat.Device(parts[2]), Audience: parts[3]}, nil
}

// String is the text.
func (r LinkRequest) String() string {
	return fmt.Sprintf("sotto:link?user=%s&dev=%s&aud=%s", r.User, r.Device, r.Audience)
}
