package client_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/client/profile"
)

// A bot that answers every "ping" in the lobby, until Ctrl-C.
func Example() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	keys, err := profile.Open("bot-profile") // its keys; the name is lost without them
	if err != nil {
		log.Fatal(err)
	}
	c, err := client.Open(ctx, client.Options{
		URL:     "ws://127.0.0.1:4566/local",
		User:    "pong-bot",
		Profile: keys,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	messages, err := c.Subscribe(chat.Lobby, client.NewOnly)
	if err != nil {
		log.Fatal(err)
	}
	for {
		m, err := messages.Next(ctx)
		if err != nil {
			fmt.Println(err) // ctx ended, or the service refuses the device
			return
		}
		if m.From == c.User() || m.Problem != nil || !strings.HasPrefix(m.Body, "ping") {
			continue
		}
		if _, err := c.Send(ctx, m.Room, "pong, "+string(m.From)); err != nil {
			log.Print(err)
		}
	}
}
