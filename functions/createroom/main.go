// Command createroom is the Lambda function of the route createRoom.
package main

import "github.com/sotto-chat/sotto/shared/app"

func main() { app.Start(app.CreateRoom.Handler) }
