// Command rotateserverkey is the Lambda function of the schedule that rotates
// the server key.
package main

import "github.com/sotto-chat/sotto/shared/app"

func main() { app.Start(app.RotateServerKey) }
