"""The passwords that are guessed first, in their bare spelling: lower case, letters and digits only.

Written for passwords of 15 characters and more: an entry is a whole password, a phrase that people type as one, or the
piece that a long password repeats. The rules that apply it are in `app.services.passwords`.
"""

_PIECES = """
password passwort passwd passw0rd p4ssword p4ssw0rd pa55word pa55w0rd pass passphrase contraseña contrasena motdepasse
parola senha wachtwoord heslo haslo secret secrets letmein welcome willkommen bienvenue changeme change default admin
administrator root user username guest test testing tester demo example sample login signin access account operator
master superuser manager server system computer internet website security secure private hidden temp temporary qwerty
qwertz azerty dvorak qwertyuiop qwertzuiop azertyuiop asdfghjkl zxcvbnm yxcvbnm asdf zxcv qwer wasd qweasd qweasdzxc
qazwsx qazwsxedc qazwsxedcrfv qazwsxedcrfvtgb q1w2e3 q1w2e3r4 q1w2e3r4t5 q1w2e3r4t5y6 q1w2e3r4t5y6u7i8 1q2w3e 1q2w3e4r
1q2w3e4r5t 1q2w3e4r5t6y 1q2w3e4r5t6y7u8i 1qaz2wsx 1qaz2wsx3edc 1qaz2wsx3edc4rfv 1qaz2wsx3edc4rfv5tgb zaq1xsw2
zaq12wsx abc abcd abcde abcdef abcdefg xyz xyzzy iloveyou ilovethis ilove love lovely sunshine princess monkey dragon
football baseball basketball soccer hockey superman batman spiderman starwars pokemon minecraft shadow michael jordan
jennifer michelle charlie thomas daniel jessica ashley andrew joshua matthew robert hunter killer freedom whatever
trustno trustnoone nothing forever summer winter spring autumn monday friday january december cheese cookie chocolate
computer google facebook instagram microsoft windows linux ubuntu debian postgres postgresql database mysql oracle
docker kubernetes github gitlab python java javascript oauth openid token authorization assent
"""

_PHRASES = """
correct horse battery staple
correcthorsebatterystaplecorrect
this is my password
this is a password
this is not a password
this is a secret
this is my secret
this is secure
my password is password
my password is secret
my secret password
my super secret password
my very secure password
the password is password
password is password
password password password
passwordpasswordpassword
super secret password
very secret password
very secure password
very long password
a very long password
long enough password
long password
strong password
a strong password
correct password
incorrect password
your password is incorrect
wrong password
new password
old password
admin password
administrator password
root password
default password
temporary password
change this password
change me please
please change me
please let me in
let me in please
let me in now
open sesame please
i forgot my password
i forget my password
i dont remember
i do not remember
i love you forever
i love you so much
i love you baby
i love my family
i love my mom
i love my wife
i love jesus
jesus loves me
god is love
god is good
in god we trust
trust no one
to be or not to be
tobeornottobethatisthequestion
may the force be with you
live long and prosper
all your base are belong to us
the quick brown fox
the quick brown fox jumps
the quick brown fox jumps over the lazy dog
lorem ipsum dolor
lorem ipsum dolor sit amet
hello world hello world
once upon a time
happy birthday to you
winter is coming
never gonna give you up
abracadabra abracadabra
supercalifragilisticexpialidocious
antidisestablishmentarianism
one two three four
one two three four five
onetwothreefourfivesix
fifteen characters
fifteencharacterslong
at least fifteen
qwertyuiopasdfgh
qwertyuiopasdfghjkl
qwertyuiopasdfghjklzxcvbnm
qwertzuiopasdfghjkl
qwertzuiopasdfghjklyxcvbnm
azertyuiopqsdfghjklm
azertyuiopqsdfghjklmwxcvbn
asdfghjklqwertyuiop
asdfghjklzxcvbnm
zxcvbnmasdfghjkl
zxcvbnmasdfghjklqwertyuiop
mnbvcxzlkjhgfdsapoiuytrewq
poiuytrewqlkjhgfdsa
qwerty123456qwerty
abcdefghijklmnop
abcdefghijklmnopqrstuvwxyz
abc123abc123abc
password123password
admin123admin123admin
welcome to the jungle
welcome to my world
welcome home welcome
what is the password
what is my password
who knows who cares
dont ask me again
do not enter here
"""

COMMON_PASSWORDS = frozenset(_PIECES.split()) | frozenset(
    "".join(phrase.split()) for phrase in _PHRASES.strip().splitlines()
)
"""Compared with the bare spelling of a new password, and with the piece that it repeats."""
