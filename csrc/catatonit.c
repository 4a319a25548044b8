#include "init.h"
static int parse(struct init *init, int argc, char **argv, char **envp)
{ (void)init; (void)argc; (void)argv; (void)envp; return 125; }
static void speak(struct init *init, enum moment moment, long a, long b)
{ (void)init; (void)moment; (void)a; (void)b; }
static int exec_status(int error) { return error; }
const struct persona catatonit_persona = {.parse = parse, .say = speak, .exec_status = exec_status, .own_status = 1};
