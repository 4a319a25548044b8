"""The supervisor's side of the control protocol: who may connect, what can be asked for, who is answered."""
