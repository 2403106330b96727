package terminal

import (
	"fmt"
	"strings"

	"github.com/sotto-chat/sotto/shared/chat"
)

// NameFrom returns the name that a user means: without spaces around it, and in
// lower case. Only ASCII letters are lowered, since a name has no others.
func NameFrom(typed string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, strings.TrimSpace(typed))
}

// RoomFrom returns the room that a user means: its name, or the id of a closed
// room. The error is one line for the user.
func RoomFrom(typed string) (chat.Room, error) {
	if id := chat.Room(strings.TrimSpace(typed)); id.IsClosed() {
		if id.Check() != nil {
			return "", fmt.Errorf("%q is not a room's id; rooms lists the ids of your closed rooms", typed)
		}
		return id, nil
	}
	room, err := chat.ParseRoom(NameFrom(typed))
	if err != nil {
		return "", fmt.Errorf("%q is not a valid room name; a room's name has 2 to 32 characters of a-z, 0-9, - and _, and starts with a letter or digit", typed)
	}
	return room, nil
}
