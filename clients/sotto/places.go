package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/clients/sotto/terminal"
	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/client/profile"
)

// placesFile says beside a user's keys in which rooms the user was and how far
// they were read. It is a convenience: the unread counts of the next start and
// the completion of rooms come from it, and nothing else. So it is written
// without a lock, and what cannot be read counts as empty.
const placesFile = "places.json"

// userDir is the folder of a user in the profile.
func userDir(d *profile.Deployment, user chat.User) string {
	return filepath.Join(d.Folder(), userPrefix+string(user))
}

// userPrefix begins the names of these folders.
const userPrefix = "user-"

// readPlaces returns what is kept; nothing where there is no profile on a disk.
func readPlaces(d *profile.Deployment, user chat.User) []terminal.Place {
	data, err := os.ReadFile(filepath.Join(userDir(d, user), placesFile))
	if err != nil {
		return nil
	}
	var places []terminal.Place
	if json.Unmarshal(data, &places) != nil {
		return nil
	}
	return slices.DeleteFunc(places, func(p terminal.Place) bool {
		return p.Room.Check() != nil
	})
}

// writePlaces replaces what is kept. A crash leaves the old file or the new
// one.
func writePlaces(d *profile.Deployment, user chat.User, places []terminal.Place) error {
	data, err := json.Marshal(places)
	if err != nil {
		return fmt.Errorf("keep the places: %w", err)
	}
	dir := userDir(d, user)
	temp, err := os.CreateTemp(dir, ".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("keep the places: %w", err)
	}
	defer os.Remove(temp.Name()) // fails after the rename, as it should
	_, err = temp.Write(data)
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), filepath.Join(dir, placesFile))
	}
	if err != nil {
		return fmt.Errorf("keep the places: %w", err)
	}
	return nil
}

// remember notes the rooms that the user is in; one that is new counts as read.
func (in *invocation) remember(c *client.Client) {
	rooms, err := c.Rooms(in.ctx)
	if err != nil {
		return // whoever goes on will say so
	}
	d, err := in.deployment()
	if err != nil {
		return
	}
	old := readPlaces(d, c.User())
	places := make([]terminal.Place, 0, len(rooms))
	for _, state := range rooms {
		place := terminal.Place{Room: state.Room, Epoch: state.Epoch, Seq: state.Head}
		if i := slices.IndexFunc(old, func(p terminal.Place) bool { return p.Room == state.Room }); i >= 0 {
			place = old[i]
		}
		places = append(places, place)
	}
	if !slices.Equal(places, old) {
		_ = writePlaces(d, c.User(), places)
	}
}

// knownUsers lists the users who have a folder at a deployment.
func knownUsers(d *profile.Deployment) []string {
	entries, err := os.ReadDir(d.Folder())
	if err != nil {
		return nil
	}
	var users []string
	for _, e := range entries {
		if name, ok := strings.CutPrefix(e.Name(), userPrefix); ok && e.IsDir() {
			users = append(users, name)
		}
	}
	return users
}

// knownRooms lists the rooms of a user, or of all users where none is named.
func knownRooms(d *profile.Deployment, user string) []string {
	rooms := []string{string(chat.Lobby)}
	for _, name := range knownUsers(d) {
		if user != "" && user != name {
			continue
		}
		for _, p := range readPlaces(d, chat.User(name)) {
			rooms = append(rooms, string(p.Room))
		}
	}
	slices.Sort(rooms)
	return slices.Compact(rooms)
}
