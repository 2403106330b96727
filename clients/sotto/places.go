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

// placesFile, next to a user's keys, lists the user's rooms and the last
// message read in each. It serves only the unread counts at the next start and
// the completion of rooms. So it is written without a lock, and an unreadable
// file counts as empty.
const placesFile = "places.json"

// marksFile, next to it, has the last marks of other users, which are shown
// until those who are there repeat theirs. It is used in the same way.
const marksFile = "marks.json"

// userDir returns the folder of a user in the profile.
func userDir(d *profile.Deployment, user chat.User) string {
	return filepath.Join(d.Folder(), userPrefix+string(user))
}

// userPrefix is the prefix of these folders' names.
const userPrefix = "user-"

// readPlaces returns the stored places, or nil.
func readPlaces(d *profile.Deployment, user chat.User) []terminal.Place {
	var places []terminal.Place
	if !readJSON(d, user, placesFile, &places) {
		return nil
	}
	return slices.DeleteFunc(places, func(p terminal.Place) bool {
		return p.Room.Check() != nil
	})
}

// readMarks returns the stored marks, or nil.
func readMarks(d *profile.Deployment, user chat.User) []terminal.Marks {
	var marks []terminal.Marks
	if !readJSON(d, user, marksFile, &marks) {
		return nil
	}
	for i := range marks {
		marks[i].Users = slices.DeleteFunc(marks[i].Users, func(u terminal.UserMark) bool {
			return u.User.Check() != nil
		})
	}
	return marks
}

// readJSON reads a file of the user and reports whether it could.
func readJSON(d *profile.Deployment, user chat.User, name string, into any) bool {
	data, err := os.ReadFile(filepath.Join(userDir(d, user), name))
	return err == nil && json.Unmarshal(data, into) == nil
}

// writePlaces replaces the stored places.
func writePlaces(d *profile.Deployment, user chat.User, places []terminal.Place) error {
	if err := writeJSON(d, user, placesFile, places); err != nil {
		return fmt.Errorf("store the last messages read: %w", err)
	}
	return nil
}

// writeJSON replaces a file of the user. A crash leaves the old file or the new
// one.
func writeJSON(d *profile.Deployment, user chat.User, name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	dir := userDir(d, user)
	temp, err := os.CreateTemp(dir, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // fails after the rename, as it should
	_, err = temp.Write(data)
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), filepath.Join(dir, name))
	}
	return err
}

// saveRooms stores the rooms that the user is in. A new room counts as read. It
// is best effort.
func (in *commandLine) saveRooms(c *client.Client) {
	rooms, err := c.Rooms(in.ctx)
	if err != nil {
		return // the next call on the client reports it
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

// knownUsers lists the users of a deployment in the profile.
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

// knownRooms lists the rooms of a user, or of all users if user is empty.
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
