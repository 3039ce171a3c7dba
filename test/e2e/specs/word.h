#define WORD "plain"
