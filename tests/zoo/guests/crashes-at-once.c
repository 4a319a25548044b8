/* guest: dies of a bad memory access before it is ready
 * ready: ends
 * expect: unknown, exit 139, by itself, 1 process, EW502
 * expect: 1 crashes-at-once: SEGV from kernel, default; dies of SEGV
 */
static int *volatile nowhere;

int main(void)
{
	return *nowhere;
}
