/* Installed with the set-user-ID bit: becomes root altogether, so that whoever started it may not signal it. */
#include <signal.h>
#include <unistd.h>

int main(void)
{
	if (setuid(0))
		return 9;
	if (write(1, "ready\n", 6) != 6)
		return 9;
	for (;;)
		pause();
}
