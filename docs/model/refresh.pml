/*
 * The cross-process refresh protocol: several processes, one store, one kernel lock per account,
 * a provider that rotates. What is modelled, what is left out and what each property says stands
 * in README.md beside this file; script/model runs every configuration and every mutant.
 *
 * Each branch of a process below is one step that a crash can fall before or after. A branch that
 * touches the store is one durable transaction.
 */

/* ---- Size of the world (script/model sets these) ------------------------------------------- */

#ifndef N
#define N 2                     /* processes */
#endif
#ifndef CALLERS
#define CALLERS 2               /* callers of one process that can wait at once: 1 or 2 */
#endif
#ifndef CALLS
#define CALLS 4                 /* in all; without end where liveness is checked */
#endif
#ifndef GENERATIONS
#define GENERATIONS 3           /* a token of the last one stays valid */
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef FAULTS
#define FAULTS 2                /* requests or answers lost, deadlines passed, 5xx, 429, 4xx */
#endif
#ifndef SIGNOUTS
#define SIGNOUTS 1
#endif
#ifndef SIGNINS
#define SIGNINS 0               /* sign-ins after the first */
#endif
#ifndef REVOCATIONS
#define REVOCATIONS 0           /* families that the provider revokes of its own accord */
#endif

#define STRICT 1                /* one-time tokens, a replay kills the family, no grace */
#define GRACE  2                /* one-time tokens, the token consumed last may be replayed */
#define REUSE  3                /* the refresh token stays the same */
#ifndef POLICY
#define POLICY STRICT
#endif
#ifndef GRACE_ENDS
#define GRACE_ENDS 0            /* 1: a replay may come too late for the grace */
#endif

#define GENERATIONS_MAX 4       /* the walk over the orphans names each one */
#define TOKENS_MAX 14
#define BIT(x) (1 << (x))

/* ---- Properties ----------------------------------------------------------------------------- */

#ifndef ONLY
#define ONLY 0                  /* 0: all of them, else the number of the one to check */
#endif
#ifndef GOAL
#define GOAL 0                  /* the number of a place that must be reachable */
#endif
#define CHECK(property, number, holds) \
    property = (ONLY != 0 && ONLY != number) || (holds); assert(property)
#define REACH(number) assert(GOAL != number)

hidden byte S1_one_request_in_flight;
hidden byte S2_generation_never_falls;
hidden byte S3_handed_out_is_on_disk;
hidden byte S4_expired_only_when_refused;
hidden byte S5_no_token_survives_sign_out;
hidden byte S6_repeat_only_after_a_fault;
hidden byte S7_no_session_lost_in_vain;
hidden byte S8_each_waiter_answered_once;
hidden byte S9_nobody_is_stuck;
hidden byte bounds_suffice;

/* ---- The store: shared, transactional, durable ---------------------------------------------- */

mtype:state = { current, tombstone, revoked, outcomeUnknown };

mtype:state storeState = current;
byte storeSession = 1;
byte storeGeneration = 1;       /* kept by a tombstone, so that no generation comes twice */
byte storeMark = 0;             /* generation of the refresh that is in flight, or 0 */
short pending = 0;              /* set of refresh tokens to revoke */

byte tokenOf[GENERATIONS_MAX + 1];      /* refresh token of a generation */
byte sessionOf[GENERATIONS_MAX + 1];    /* its session */

#define UNCHANGED(g) \
    (storeState == current && storeSession == sessionOf[g] && storeGeneration == g)

/* ---- The kernel lock ------------------------------------------------------------------------ */

#define FREE 255
byte lock = FREE;

/* Calls never end where liveness is checked, so there the lock must not starve anybody. */
#ifdef LIVENESS
chan line = [N] of { byte };
#define QUEUE(p) line!p
#define IS_NEXT(p) line?[eval(p)]
#define LEAVE(p) line??eval(p)
#else
#define QUEUE(p) skip
#define IS_NEXT(p) true
#define LEAVE(p) skip
#endif

/* ---- What is under way ---------------------------------------------------------------------- */

byte flying[N];                 /* generation whose request the process waits for, or 0 */
byte orphans[GENERATIONS_MAX + 1];  /* requests under way that nobody waits for any more */
byte hand[N];                   /* refresh token that is received and not yet committed, or 0 */
byte waiting[N];                /* callers that wait: what the callers themselves know */
byte joined[N];                 /* callers that wait: what the attempt knows */
byte faults = 0;
byte crashes = 0;

/* ---- Ghosts: seen by the properties alone --------------------------------------------------- */

byte top = 1;                   /* highest generation ever on disk */
byte signedOut = 0;             /* newest session that was signed out or replaced */
short sent = 0;                 /* generations for which a request was sent */
short mayRepeat = 0;            /* of these, those whose last request failed or lost its sender */
short unknown = 0;              /* of these, those of which one request's outcome is unknown */
short refused = 0;              /* generations that the provider answered with invalid_grant */
short lost = 0;                 /* tokens issued in an answer that reached nobody */
bool providerRevoked = false;

/* ---- The provider --------------------------------------------------------------------------- */

mtype:answer = { none, tokens, invalidGrant, otherRefusal, nothing };

byte issuedCount = 1;
short live = BIT(1);            /* refresh tokens that the provider would accept */
short family[3];                /* tokens ever issued for a session */
byte consumed[3];               /* the token consumed last, per session */
byte successor[3];              /* and the one issued in its place */
hidden byte issued;
hidden mtype:answer answer;

#define LIVE(t) ((live & BIT(t)) != 0)

inline issue(s) {
    issuedCount++;
    CHECK(bounds_suffice, ONLY, issuedCount <= TOKENS_MAX);
    issued = issuedCount;
    live = live | BIT(issued);
    family[s] = family[s] | BIT(issued)
}

/* Every known token of a live family must be somewhere from where it can still be revoked. */
#if N == 2
#define HANDS (BIT(hand[0]) | BIT(hand[1]))
#define STUCK (waiting[0] | waiting[1])
#else
#define STUCK (waiting[0] | waiting[1] | waiting[2])
#define HANDS (BIT(hand[0]) | BIT(hand[1]) | BIT(hand[2]))
#endif
#define STORED (storeState == current -> BIT(tokenOf[storeGeneration]) : 0)
inline checkTokensAccountedFor() {
    CHECK(S5_no_token_survives_sign_out, 5, (live & ~(STORED | pending | HANDS | lost)) == 0)
}

inline refuse(g) {
    /* The family dies. That must never hit a newer generation that is safe on disk. */
    CHECK(S7_no_session_lost_in_vain, 7,
          !(storeState == current && storeSession == sessionOf[g] && storeGeneration > g
            && LIVE(tokenOf[storeGeneration])));
    live = live & ~family[sessionOf[g]];
    consumed[sessionOf[g]] = 0;
    successor[sessionOf[g]] = 0;
    refused = refused | BIT(g);
    answer = invalidGrant
}

/* A request with the token of generation g reaches the provider. Sets `answer` and `issued`. */
inline arrive(g) {
    issued = 0;
    if
    :: LIVE(tokenOf[g]) ->
#if POLICY == REUSE
        issued = tokenOf[g];
#else
        live = live & ~BIT(tokenOf[g]);
        issue(sessionOf[g]);
        consumed[sessionOf[g]] = tokenOf[g];
        successor[sessionOf[g]] = issued;
#endif
        answer = tokens
#if POLICY == GRACE
    :: !LIVE(tokenOf[g]) && consumed[sessionOf[g]] == tokenOf[g] ->
        REACH(1);
        if
        :: LIVE(successor[sessionOf[g]]) -> issued = successor[sessionOf[g]]
        :: issue(sessionOf[g])
        :: live = live & ~BIT(successor[sessionOf[g]]); issue(sessionOf[g])
        fi;
        successor[sessionOf[g]] = issued;
        answer = tokens
#if GRACE_ENDS
    :: !LIVE(tokenOf[g]) && consumed[sessionOf[g]] == tokenOf[g] -> refuse(g)
#endif
    :: !LIVE(tokenOf[g]) && consumed[sessionOf[g]] != tokenOf[g] -> refuse(g)
#else
    :: else -> refuse(g)
#endif
    fi
}

/* The answer that holds `t` reaches nobody. A reused token is still in the store. */
inline lose(t) {
#if POLICY != REUSE
    if
    :: t != 0 -> lost = lost | BIT(t)
    :: else
    fi
#else
    skip
#endif
}

/* Requests that outlived their sender, or its patience: they arrive late or never. */
active proctype Network() {
    byte g;
end:
    do
    :: atomic {
        /* At most a few generations exist, so the choice is written as a walk. */
        orphans[1] + orphans[2] + orphans[3] + orphans[4] > 0 ->
        if
        :: orphans[1] > 0 -> g = 1
        :: orphans[2] > 0 -> g = 2
        :: orphans[3] > 0 -> g = 3
        :: orphans[4] > 0 -> g = 4
        fi;
        orphans[g]--;
        if
        :: arrive(g); lose(issued); checkTokensAccountedFor()
        :: skip
        fi;
        g = 0
       }
    od
}

/* ---- A process ------------------------------------------------------------------------------ */

mtype:step = {
    idle, locking, reading, settling, marking, sending, receiving, committing, denied, clearing,
    unlocking, answering, handingOut
};
mtype:result = { undecided, newTokens, isSignedOut, isExpired, transient, failed };

/* The outcome of the last request is open: another may follow, but only behind the mark. */
inline leaveOpen(g) {
    mayRepeat = mayRepeat | BIT(g);
    unknown = unknown | BIT(g)
}

inline wake(p) {
    if
    :: result == newTokens -> CHECK(S3_handed_out_is_on_disk, 3, got <= top)
    :: else
    fi;
    /* Nobody is answered twice, or after having gone. */
    CHECK(S8_each_waiter_answered_once, 8, (joined[p] & ~waiting[p]) == 0);
#ifdef WAKE_ONE
    waiting[p] = waiting[p] & ~((joined[p] & 1) -> 1 : 2);
#else
    waiting[p] = waiting[p] & ~joined[p];
#endif
    joined[p] = 0;
    /* Nobody is forgotten. */
    CHECK(S8_each_waiter_answered_once, 8, waiting[p] == 0)
}

inline forgetAttempt(p) {
    at = idle; want = 0; mine = 0; open = false; replayed = false; got = 0;
    result = undecided; hand[p] = 0; flying[p] = 0
}

proctype Process(byte p) {
    mtype:step at = idle;
    mtype:result result = undecided;
    byte memory = 0;            /* generation of the token that the process knows, or 0 */
    byte want = 0;              /* a generation newer than this one is wanted */
    byte mine = 0;              /* the generation this attempt refreshes */
    byte got = 0;               /* the generation that is handed to the callers */
    bool open = false;          /* a request of an earlier attempt may have been carried out */
    bool replayed = false;      /* a request of this attempt may have been carried out */
    byte others = 0;

end:
    do
    /* A caller's token is no good. A process without memory looks into the store first. */
    :: d_step { at == idle && joined[p] != 0 ->
        if
        :: memory == 0 -> want = storeGeneration
        :: else -> want = memory
        fi;
#ifdef NO_REREAD
        mine = storeGeneration;
#endif
        if
        :: want >= GENERATIONS && storeState == current ->
            got = want; result = newTokens; at = answering
        :: else -> QUEUE(p); at = locking
        fi
       }

#ifdef NO_LOCK
    :: at == locking -> at = reading
#else
    :: d_step { at == locking && lock == FREE && IS_NEXT(p) ->
        LEAVE(p); lock = p; at = reading
       }
#endif

    /* Under the lock: what does the store say now? */
    :: d_step { at == reading ->
#ifdef NO_REREAD
        open = (storeMark == mine);
        if
        :: open -> at = settling
        :: else -> at = marking
        fi
#else
        if
        :: storeState == tombstone -> result = isSignedOut; at = unlocking
        :: storeState == revoked || storeState == outcomeUnknown ->
            result = isExpired; at = unlocking
        :: storeState == current && storeGeneration > want ->
            REACH(2);
            memory = storeGeneration; got = storeGeneration; result = newTokens; at = unlocking
        :: storeState == current && storeGeneration <= want && storeGeneration >= GENERATIONS ->
            /* The bound of the model: this one stays valid. */
            memory = storeGeneration; got = storeGeneration; result = newTokens; at = unlocking
        :: else ->
            mine = storeGeneration;
            open = (storeMark == mine);
            replayed = false;
            if
            :: open -> REACH(3); at = settling
            :: else -> at = marking
            fi
        fi
#endif
       }

    /* By then an earlier request has arrived or never will: the assumption of the protocol. */
#ifdef NO_SETTLE
    :: at == settling -> at = marking
#else
    :: d_step { at == settling && orphans[mine] == 0 -> at = marking }
#endif

    /* One transaction: still this session and generation? Then the durable mark. */
    :: d_step { at == marking ->
#ifdef NO_MARK
        at = sending
#else
#ifdef NO_REREAD
        storeMark = mine; at = sending
#else
        if
        :: UNCHANGED(mine) -> storeMark = mine; at = sending
        :: else -> REACH(4); mine = 0; at = reading
        fi
#endif
#endif
       }

    :: d_step { at == sending ->
        others = 0;
        do
        :: others < N ->
            CHECK(S1_one_request_in_flight, 1, others == p || flying[others] != mine);
            others++
        :: else -> break
        od;
        others = 0;
        CHECK(S1_one_request_in_flight, 1, orphans[mine] == 0);
        CHECK(S6_repeat_only_after_a_fault, 6, !(sent & BIT(mine)) || (mayRepeat & BIT(mine)));
        CHECK(S6_repeat_only_after_a_fault, 6, !UNCHANGED(mine) || storeMark == mine);
        sent = sent | BIT(mine);
        mayRepeat = mayRepeat & ~BIT(mine);
        flying[p] = mine;
        at = receiving
       }

    /* The request is carried out and its answer comes back. */
    :: atomic { at == receiving ->
        arrive(mine);
        flying[p] = 0;
        if
        :: answer == tokens ->
            hand[p] = issued;
            lost = lost & ~BIT(issued);
#ifdef COMMIT_AFTER_HANDOUT
            got = mine + 1; result = newTokens; at = handingOut
#else
            at = committing
#endif
        :: else -> at = denied
        fi;
        checkTokensAccountedFor()
       }

    /* It is lost, or its answer is, or it outlives the deadline, or 5xx or 429 comes back. */
    :: atomic { at == receiving && faults < FAULTS ->
        faults++;
        flying[p] = 0;
        leaveOpen(mine);
        if
        :: skip
        :: arrive(mine); lose(issued)
        :: orphans[mine]++
        fi;
#ifdef EXPIRE_ON_FAULT
        at = denied;
#else
        if
        :: open || replayed -> REACH(5); result = transient; at = unlocking
        :: else -> replayed = true; at = settling
        fi;
#endif
        checkTokensAccountedFor()
       }

    /* Refused without being carried out, for another reason than the token. */
    :: d_step { at == receiving && faults < FAULTS ->
        faults++;
        flying[p] = 0;
        mayRepeat = mayRepeat | BIT(mine);
        at = clearing
       }

#ifdef COMMIT_AFTER_HANDOUT
    :: d_step { at == handingOut -> wake(p); at = committing }
#endif

    /* One transaction: compare and swap, clear the mark; or queue what came too late. */
    :: d_step { at == committing ->
        if
#ifdef SIGNOUT_NO_CAS
        :: true ->
#else
        :: UNCHANGED(mine) ->
#endif
            CHECK(S5_no_token_survives_sign_out, 5, sessionOf[mine] > signedOut);
            CHECK(S2_generation_never_falls, 2, mine + 1 >= top);
            storeState = current;
            storeSession = sessionOf[mine];
            storeGeneration = mine + 1;
            tokenOf[mine + 1] = hand[p];
            sessionOf[mine + 1] = sessionOf[mine];
            storeMark = 0;
            top = (mine + 1 > top -> mine + 1 : top);
            if
            :: open || replayed -> REACH(6)
            :: else
            fi;
            memory = mine + 1; got = mine + 1; result = newTokens; at = unlocking
#ifndef SIGNOUT_NO_CAS
        :: else ->
            REACH(7);
#ifndef DROP_LATE_TOKEN
            pending = pending | BIT(hand[p]);
#endif
            mine = 0; at = reading
#endif
        fi;
        hand[p] = 0;
        checkTokensAccountedFor()
       }

    /* invalid_grant. One transaction: re-read, and only if this is still current, expire. */
    :: d_step { at == denied ->
        if
#if defined(NO_REREAD) || defined(NO_REREAD_ON_REFUSAL)
        :: true ->
#else
        :: UNCHANGED(mine) ->
#endif
            CHECK(S4_expired_only_when_refused, 4, (refused & BIT(storeGeneration)) != 0);
            /* A provider that revokes nothing has no reason but a replay that was unavoidable. */
            CHECK(S7_no_session_lost_in_vain, 7, providerRevoked || (open || replayed));
            CHECK(S7_no_session_lost_in_vain, 7, providerRevoked || (unknown & BIT(mine)));
#if POLICY == REUSE || (POLICY == GRACE && !GRACE_ENDS)
            CHECK(S7_no_session_lost_in_vain, 7, providerRevoked);
#endif
            if
            :: open || replayed -> REACH(8); storeState = outcomeUnknown
            :: else -> REACH(9); storeState = revoked
            fi;
            storeMark = 0;
            result = isExpired; at = unlocking
#if !defined(NO_REREAD) && !defined(NO_REREAD_ON_REFUSAL)
        :: else -> mine = 0; at = reading
#endif
        fi;
        checkTokensAccountedFor()
       }

    /* Another 4xx says nothing about an earlier request, so that one's mark stays. */
    :: d_step { at == clearing ->
        if
#ifdef CLEAR_MARK_ON_4XX
        :: UNCHANGED(mine) -> storeMark = 0
#else
        :: UNCHANGED(mine) && !open && !replayed -> storeMark = 0
#endif
        :: else
        fi;
        result = failed; at = unlocking
       }

    :: d_step { at == unlocking ->
#ifdef KEEP_LOCK_ON_ERROR
        if
        :: result == transient -> skip
        :: result != transient && lock == p -> lock = FREE
        :: else
        fi;
#else
        if
        :: lock == p -> lock = FREE
        :: else
        fi;
#endif
        at = answering
       }

    :: d_step { at == answering -> wake(p); forgetAttempt(p) }

    /* Killed at any step. The kernel frees the lock; the request may still be on its way. */
    :: d_step { at != idle && crashes < CRASHES ->
        crashes++;
        if
        :: flying[p] != 0 -> orphans[flying[p]]++
        :: else
        fi;
        if
        :: at == receiving || at == committing || at == denied || at == clearing ||
           at == handingOut -> leaveOpen(mine)
        :: else
        fi;
        lose(hand[p]);
        if
        :: at == locking -> LEAVE(p)
        :: else
        fi;
#ifndef LOCK_OUTLIVES_HOLDER
        if
        :: lock == p -> lock = FREE
        :: else
        fi;
#endif
        waiting[p] = 0; joined[p] = 0; memory = 0;
        forgetAttempt(p);
        checkTokensAccountedFor()
       }
    od
}

/* ---- People: callers, sign-out, sign-in; and a provider that changes its mind --------------- */

#ifdef LIVENESS
#define CALL_LEFT true
#define COUNT_CALL skip
#else
#define CALL_LEFT calls < CALLS
#define COUNT_CALL calls++
#endif
inline call(p) {
    d_step { CALL_LEFT && waiting[p] != BIT(CALLERS) - 1 ->
        COUNT_CALL;
        if
        :: (waiting[p] & 1) == 0 -> waiting[p] = waiting[p] | 1; joined[p] = joined[p] | 1
        :: else -> waiting[p] = waiting[p] | 2; joined[p] = joined[p] | 2
        fi
    }
}

/* One caller of several goes; the attempt goes on for the others. */
inline cancel(p) {
    d_step { waiting[p] == 3 ->
        waiting[p] = waiting[p] & ~2; joined[p] = joined[p] & ~2
    }
}

/* Without the lock, in one transaction, whatever is under way. */
inline signOut() {
    signOuts++;
    pending = pending | BIT(tokenOf[storeGeneration]);
    signedOut = storeSession;
    storeState = tombstone;
    storeMark = 0;
    checkTokensAccountedFor()
}

/* A new session, over a tombstone, an expired session or one in use. */
inline signIn() {
    signIns++;
    if
    :: storeState == current -> pending = pending | BIT(tokenOf[storeGeneration])
    :: else
    fi;
    signedOut = storeSession;
    storeSession++;
    storeGeneration++;
    CHECK(S2_generation_never_falls, 2, storeGeneration >= top);
    top = storeGeneration;
    issue(storeSession);
    tokenOf[storeGeneration] = issued;
    sessionOf[storeGeneration] = storeSession;
    storeState = current;
    storeMark = 0;
    checkTokensAccountedFor()
}

proctype World() {
    byte calls = 0;
    byte signOuts = 0;
    byte signIns = 0;
    do
    :: call(0)
    :: call(1)
#if N > 2
    :: call(2)
#endif
#if CALLERS > 1
    :: cancel(0)
#endif
    :: d_step { signOuts < SIGNOUTS && storeState == current -> signOut() }
#if SIGNINS > 0
    :: d_step { signIns < SIGNINS && storeGeneration < GENERATIONS -> signIn() }
#endif
#if REVOCATIONS > 0
    :: d_step { !providerRevoked ->
        providerRevoked = true;
        live = live & ~family[storeSession];
        consumed[storeSession] = 0;
        successor[storeSession] = 0
       }
#endif
#ifdef LIVENESS
    :: break                    /* nobody is obliged to do anything */
#else
    /* Nothing moves any more: then nobody may be left waiting, and nothing left to revoke. */
    :: timeout ->
        CHECK(S9_nobody_is_stuck, 9, lock == FREE && pending == 0 && STUCK == 0);
        break
#endif
    od
}

/* Sends what is queued. Revoking twice does no harm, so a crash between the steps is no case. */
active proctype Revoker() {
    byte t;
end:
    do
    :: atomic { pending != 0 ->
        t = 1;
        do
        :: (pending & BIT(t)) == 0 -> t++
        :: else -> break
        od;
        /* Some providers revoke the one token, some all of its family. */
        if
        :: live = live & ~BIT(t)
        :: (family[1] & BIT(t)) != 0 ->
            live = live & ~family[1]; consumed[1] = 0; successor[1] = 0
        :: (family[2] & BIT(t)) != 0 ->
            live = live & ~family[2]; consumed[2] = 0; successor[2] = 0
        fi;
        pending = pending & ~BIT(t);
        t = 0;
        checkTokensAccountedFor();
        if
        :: storeState == tombstone && pending == 0 -> REACH(10)
        :: else
        fi
       }
    od
}

init {
    atomic {
        tokenOf[1] = 1;
        sessionOf[1] = 1;
        family[1] = BIT(1);
        run World();
        run Process(0);
        run Process(1);
#if N > 2
        run Process(2)
#endif
    }
}

/* ---- Liveness, under weak fairness ---------------------------------------------------------- */

#ifdef LIVENESS
ltl L1_every_call_is_answered { [] ((waiting[0] != 0) -> <> (waiting[0] == 0)) }
ltl L2_queue_is_drained { [] ((pending != 0) -> <> (pending == 0)) }
#endif
