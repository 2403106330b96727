// Command sendmessage is the Lambda function of the route sendMessage.
package main

import "github.com/sotto-chat/sotto/shared/app"

func main() { app.Start(app.SendMessage.Handler) }
