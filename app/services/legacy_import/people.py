"""Users, organizations, members. Whoever is here already stays as he is."""

from app.protocol.events import Event
from app.protocol.facts import OrganizationFact
from app.protocol.names import MAX_NAME_LENGTH
from app.services.legacy_import.rows import MemberRow, OrganizationRow, UserRow
from app.services.legacy_import.task import Task
from app.services.names import name_key, problem_with_email, problem_with_username
from app.services.organizations import problem_with_slug
from app.store import audit, directory, legacy, organizations, users
from app.store.legacy import Person
from app.store.users import NewUser


async def import_user(task: Task, row: UserRow, name: str) -> None:
    """Know a person by his username, or make an account without a password: hashes of another system stay there."""
    person = await _person_here(task, row)
    if person is not None:
        task.report.present["users"] += 1
    else:
        person = await _new_person(task, row, name)
    if person is not None:
        task.known.users[row.username] = person
        if row.id is not None:
            task.known.users[row.id] = person


async def _person_here(task: Task, row: UserRow) -> Person | None:
    key = name_key(row.username)
    became = task.before.get(key) or task.now.get(key)
    if became is not None:
        return await legacy.person_by_id(task.transaction, became)
    return (await legacy.people_by_name(task.transaction, [key])).get(key)


async def _new_person(task: Task, row: UserRow, name: str) -> Person | None:
    """Make an account. Whose username was an email address is called by what stands before the @."""
    username, email = row.username, row.email or None
    if not problem_with_email(username):
        email = email or username
        username = await _free_name(task, username.partition("@")[0])
    if problem := problem_with_username(username):
        task.report.refuse("users", name, f"cannot have this username: {problem}")
        return None
    if email is not None and problem_with_email(email):
        task.report.note("users", name, "lost its email address, which is none")
        email = None
    email_key = name_key(email) if email else None
    if email_key and await directory.find_any(task.transaction, username_keys=(), email_keys=(email_key,), subs=()):
        task.report.refuse("users", name, "has the email address of somebody else")
        return None
    now = task.here.operator.now
    account = NewUser(
        id=task.new_id(),
        username=username,
        username_key=name_key(username),
        email=email,
        email_key=email_key,
        password_hash=None,
        created_at=now,
    )
    await users.insert_user(task.transaction, account)
    entry = task.here.operator.entry(
        Event.USER_CREATED,
        subject_id=str(account.id),
        user_id=account.id,
        data={"after": {"username": username, "email": email, "disabled": not row.is_active}},
    )
    await audit.record(task.transaction, entry)
    if not row.is_active:
        await users.disable(task.transaction, account.id, now)
    if username == row.username:
        task.report.imported["users"] += 1
    else:
        task.done(name_key(row.username), account.id)
        task.report.note("users", name, f"is called {username} here: a username is no email address")
    return Person(account.id, username, 0, row.is_active)


async def _free_name(task: Task, wanted: str) -> str:
    """Return a username that nobody has, made of this one; empty when a hundred are taken."""
    names = [wanted, *(f"{wanted}-{number}" for number in range(2, 101))]
    taken = await legacy.people_by_name(task.transaction, map(name_key, names))
    return next((name for name in names if name_key(name) not in taken), "")


async def import_organization(task: Task, row: OrganizationRow, name: str) -> None:
    """Know an organization by its slug, or found it without members."""
    found = await organizations.find_many(task.transaction, [row.slug])
    existing = found.get(row.slug)
    if existing is not None:
        task.report.present["organizations"] += 1
        organization_id = existing.id
    elif row.slug in found:
        task.report.refuse("organizations", name, "has the slug of one that was deleted here")
        return
    elif problem := problem_with_slug(row.slug):
        task.report.refuse("organizations", name, f"cannot have this slug: {problem}")
        return
    else:
        now = task.here.operator.now
        organization_id = task.new_id()
        title = row.name[:MAX_NAME_LENGTH] or row.slug
        fact = OrganizationFact(id=organization_id, slug=row.slug, name=title, version=1, created_at=now)
        await organizations.insert_organization(task.transaction, fact)
        entry = task.here.operator.entry(
            Event.ORGANIZATION_CREATED,
            subject_id=str(organization_id),
            organization_id=organization_id,
            data={"after": {"slug": row.slug, "name": title}},
        )
        await audit.record(task.transaction, entry)
        task.report.imported["organizations"] += 1
    task.known.organizations[row.slug] = organization_id
    if row.id is not None:
        task.known.organizations[row.id] = organization_id


async def import_member(task: Task, row: MemberRow, name: str) -> None:
    """Make a person a member with his old role, if that is one here; a member keeps the role that he has."""
    person = await task.known.user(task.transaction, row.user)
    organization_id = await task.known.organization(task.transaction, row.organization)
    if person is None or organization_id is None:
        task.report.refuse("members", name, f"names {'a user' if person is None else 'an organization'} nobody knows")
        return
    if row.role not in task.here.roles:
        task.report.refuse(
            "members", name, f"has the role {row.role[:40]}; there are: {', '.join(task.here.roles.names)}"
        )
        return
    now = task.here.operator.now
    if await legacy.add_member(task.transaction, organization_id, person.id, row.role, now):
        entry = task.here.operator.entry(
            Event.MEMBER_ADDED,
            subject_id=str(person.id),
            user_id=person.id,
            organization_id=organization_id,
            data={"after": {"role": row.role}},
        )
        await audit.record(task.transaction, entry)
        task.report.imported["members"] += 1
    else:
        task.report.present["members"] += 1
