// Command leaveroom is the Lambda function of the route leaveRoom.
package main

import "github.com/sotto-chat/sotto/shared/app"

func main() { app.Start(app.LeaveRoom.Handler) }
