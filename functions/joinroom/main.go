// Command joinroom is the Lambda function of the route joinRoom.
package main

import "github.com/sotto-chat/sotto/shared/app"

func main() { app.Start(app.JoinRoom.Handler) }
