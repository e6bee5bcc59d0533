"""ControlService: what operators, the command line and other programs ask of a server.

Each method parses, calls and formats; its errors are our own, turned into statuses by one decorator. Unary methods are
plain functions, which the server runs in threads; the two streams are asynchronous. Reads see one snapshot each.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import grpc
import sqlalchemy as sa

from conductor_proto.v1 import control_service_pb2 as pb
from conductor_proto.v1 import control_service_pb2_grpc as pb_grpc
from conductor_server.engine import issuing, operations
from conductor_server.engine.clock import Clock, SystemClock
from conductor_server.engine.diagnosis import diagnose
from conductor_server.engine.operations import Operator
from conductor_server.engine.status import EngineStatus
from conductor_server.engine.step import EngineSettings
from conductor_server.model.credentials import Role
from conductor_server.rpc import (
    convert,
    convert_access,
    convert_definitions,
    convert_runs,
    convert_slots,
    streams,
)
from conductor_server.rpc.caller import caller
from conductor_server.rpc.presenter import Presenter
from conductor_server.rpc.status import refuse_nul, translated, translated_stream
from conductor_server.rpc.streams import WaitForChange
from conductor_server.store import (
    agents,
    definition_pages,
    events,
    members,
    run_pages,
    slot_pages,
    slot_summary,
    tokens,
)
from conductor_server.store.database import Database, Work
from conductor_server.store.run_pages import RunQuery
from conductor_server.store.sight import Sight
from conductor_server.store.slot_pages import SlotQuery

SAID_CHARACTERS_MAX = 128
"""Of the name on whose behalf a request says that it is made."""

T = TypeVar("T")
Context = grpc.ServicerContext


class ControlService(pb_grpc.ControlServiceServicer):
    """``wake_engine`` is called after every change; ``wait_for_change`` see ``rpc/streams``."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: EngineSettings,
        *,
        wake_engine: Callable[[], None],
        wait_for_change: WaitForChange,
        engine_status: Callable[[], EngineStatus],
        server_name: str,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._wake_engine = wake_engine
        self._wait_for_change = wait_for_change
        self._engine_status = engine_status
        self._server_name = server_name

    # -------------------------------------------------------------------------------------------- status and graph

    @translated
    def GetStatus(self, _request: pb.GetStatusRequest, _context: Context) -> pb.GetStatusResponse:
        show = self._presenter()
        engine, url = self._engine_status(), self._database.shown_url
        return self._look(lambda db: show.status(db, engine, database=url, server=self._server_name))

    @translated
    def Diagnose(self, _request: pb.DiagnoseRequest, _context: Context) -> pb.DiagnoseResponse:
        machine = SystemClock()
        found = diagnose(self._database, self._clock, self._settings, self._engine_status(), machine=machine)
        return pb.DiagnoseResponse(
            findings=[convert.finding(each) for each in found], server_time=convert.timestamp(machine.now())
        )

    @translated
    def GetGraph(self, request: pb.GetGraphRequest, _context: Context) -> pb.GetGraphResponse:
        show = self._presenter()
        return self._look(lambda db: show.graph(db, window_label=request.window_label))

    # -------------------------------------------------------------------------------------------- definitions

    @translated
    def ListDefinitions(
        self, request: pb.ListDefinitionsRequest, _context: Context
    ) -> pb.ListDefinitionsResponse:
        show = self._presenter()
        limit, after = convert.page_size(request.page_size), convert.name_key(request.page_token)
        return self._look(
            lambda db: show.definitions(db, name_contains=request.name_contains, after=after, limit=limit)
        )

    @translated
    def GetDefinition(self, request: pb.GetDefinitionRequest, _context: Context) -> pb.GetDefinitionResponse:
        show = self._presenter()
        return self._look(lambda db: show.whole_definition(db, request.name))

    @translated
    def SetDefinitionActive(
        self, request: pb.SetDefinitionActiveRequest, _context: Context
    ) -> pb.SetDefinitionActiveResponse:
        show = self._presenter()
        by = self._operator()

        def work(db: sa.Connection) -> pb.SetDefinitionActiveResponse:
            operations.set_active(db, request.name, by, active=request.active)
            return pb.SetDefinitionActiveResponse(definition=show.definition(db, request.name))

        return self._change(work)

    @translated
    def ConfirmRemoval(
        self, request: pb.ConfirmRemovalRequest, _context: Context
    ) -> pb.ConfirmRemovalResponse:
        by = self._operator()

        def work(db: sa.Connection) -> pb.ConfirmRemovalResponse:
            names = operations.confirm_removal(db, request.source_token, by, count=request.count)
            return pb.ConfirmRemovalResponse(names=names)

        return self._change(work)

    # -------------------------------------------------------------------------------------------- accounts

    @translated
    def ListAccounts(self, request: pb.ListAccountsRequest, _context: Context) -> pb.ListAccountsResponse:
        limit, after = convert.page_size(request.page_size), convert.name_key(request.page_token)
        sight = caller().sees
        found, following = self._database.read(
            lambda db: members.account_page(db, after=after, limit=limit, sight=sight)
        )
        return pb.ListAccountsResponse(
            accounts=[convert_definitions.account(each) for each in found],
            next_page_token=convert.page_token([following] if following else None),
        )

    @translated
    def AddAccount(self, request: pb.AddAccountRequest, _context: Context) -> pb.AddAccountResponse:
        by = self._operator()
        account = convert_definitions.new_account(request.account)

        def work(db: sa.Connection) -> pb.AddAccountResponse:
            operations.add_account(db, account, by)
            return pb.AddAccountResponse(
                account=convert_definitions.account(members.account(db, account.token, sight=by.sight))
            )

        return self._change(work)

    @translated
    def RemoveAccount(self, request: pb.RemoveAccountRequest, _context: Context) -> pb.RemoveAccountResponse:
        by = self._operator()
        gone = self._change(lambda db: operations.remove_account(db, request.token, by))
        return pb.RemoveAccountResponse(slots=gone.slots, running_runs=gone.running_runs)

    @translated
    def SetMaintenance(
        self, request: pb.SetMaintenanceRequest, _context: Context
    ) -> pb.SetMaintenanceResponse:
        by = self._operator()
        until = convert.instant(request.until, field="until") if request.HasField("until") else None

        def work(db: sa.Connection) -> pb.SetMaintenanceResponse:
            operations.set_maintenance(db, request.account, until, by)
            return pb.SetMaintenanceResponse(
                account=convert_definitions.account(members.account(db, request.account, sight=by.sight))
            )

        return self._change(work)

    # -------------------------------------------------------------------------------------------- slots

    @translated
    def ListSlots(self, request: pb.ListSlotsRequest, _context: Context) -> pb.ListSlotsResponse:
        show = self._presenter()
        limit, key = convert.page_size(request.page_size), convert_slots.key(request.page_token)
        query = convert_slots.query(request)

        def work(db: sa.Connection) -> pb.ListSlotsResponse:
            _check_names(db, definition=query.definition, account=query.account, sight=show.sight)
            shown, following = slot_pages.page(db, show.moment(db), query, after=key, limit=limit)
            return pb.ListSlotsResponse(
                slots=[convert_slots.slot(each) for each in shown],
                next_page_token=convert_slots.token(following),
            )

        return self._look(work)

    @translated
    def SummarizeSlots(
        self, request: pb.SummarizeSlotsRequest, _context: Context
    ) -> pb.SummarizeSlotsResponse:
        sight = caller().sees
        limit = convert.page_size(request.page_size)
        query = SlotQuery(
            definition=request.definition, account=request.account, window_label=request.window_label
        )

        def work(db: sa.Connection) -> pb.SummarizeSlotsResponse:
            _check_names(db, definition=query.definition, account=query.account, sight=sight)
            return convert_slots.summary(slot_summary.summary(db, query, reasons_max=limit, sight=sight))

        return self._database.read(work)

    @translated
    def GetSlot(self, request: pb.GetSlotRequest, _context: Context) -> pb.GetSlotResponse:
        show = self._presenter()
        return self._look(lambda db: show.whole_slot(db, slot_pages.find(db, request.name, sight=show.sight)))

    @translated
    def RerunSlot(self, request: pb.RerunSlotRequest, _context: Context) -> pb.RerunSlotResponse:
        by = self._operator(request.actor)

        def work(db: sa.Connection) -> pb.RerunSlotResponse:
            slot_id, name = slot_pages.find_named(db, request.name, sight=by.sight)
            run_id = operations.rerun(db, slot_id, name, by)
            return pb.RerunSlotResponse(run=convert_runs.run(run_pages.by_id(db, run_id, sight=by.sight)))

        return self._change(work)

    @translated
    def ReleaseSlot(self, request: pb.ReleaseSlotRequest, _context: Context) -> pb.ReleaseSlotResponse:
        show = self._presenter()
        by = self._operator()

        def work(db: sa.Connection) -> pb.ReleaseSlotResponse:
            slot_id, name = slot_pages.find_named(db, request.name, sight=by.sight)
            operations.release(db, slot_id, name, by)
            return pb.ReleaseSlotResponse(slot=show.slot(db, slot_id))

        return self._change(work)

    @translated
    def DiscardSlot(self, request: pb.DiscardSlotRequest, _context: Context) -> pb.DiscardSlotResponse:
        show = self._presenter()
        by = self._operator()

        def work(db: sa.Connection) -> pb.DiscardSlotResponse:
            slot_id, name = slot_pages.find_named(db, request.name, sight=by.sight)
            operations.discard(db, slot_id, name, by)
            return pb.DiscardSlotResponse(slot=show.slot(db, slot_id))

        return self._change(work)

    @translated
    def SucceedSlot(self, request: pb.SucceedSlotRequest, _context: Context) -> pb.SucceedSlotResponse:
        show = self._presenter()
        by = self._operator()

        def work(db: sa.Connection) -> pb.SucceedSlotResponse:
            slot_id, name = slot_pages.find_named(db, request.name, sight=by.sight)
            operations.succeed(db, slot_id, name, by, reason=request.reason)
            return pb.SucceedSlotResponse(slot=show.slot(db, slot_id))

        return self._change(work)

    @translated
    def FailSlot(self, request: pb.FailSlotRequest, _context: Context) -> pb.FailSlotResponse:
        show = self._presenter()
        by = self._operator()

        def work(db: sa.Connection) -> pb.FailSlotResponse:
            slot_id, name = slot_pages.find_named(db, request.name, sight=by.sight)
            operations.fail(db, slot_id, name, by, reason=request.reason)
            return pb.FailSlotResponse(slot=show.slot(db, slot_id))

        return self._change(work)

    # -------------------------------------------------------------------------------------------- runs

    @translated
    def ListRuns(self, request: pb.ListRunsRequest, _context: Context) -> pb.ListRunsResponse:
        limit, key = convert.page_size(request.page_size), convert_runs.key(request.page_token)
        statuses = [convert_runs.status(number) for number in request.statuses]
        sight = caller().sees

        def work(db: sa.Connection) -> pb.ListRunsResponse:
            _check_names(db, definition=request.definition, account=request.account, sight=sight)
            query = RunQuery(
                sight=sight,
                definition=request.definition,
                account=request.account,
                slot_id=slot_pages.find(db, request.slot, sight=sight) if request.slot else None,
                statuses=statuses,
            )
            runs, following = run_pages.page(db, query, after=key, limit=limit)
            return pb.ListRunsResponse(
                runs=[convert_runs.run(run) for run in runs], next_page_token=convert_runs.token(following)
            )

        return self._database.read(work)

    @translated
    def GetRun(self, request: pb.GetRunRequest, _context: Context) -> pb.GetRunResponse:
        sight = caller().sees
        run = self._database.read(lambda db: run_pages.by_id(db, request.id, sight=sight))
        return pb.GetRunResponse(run=convert_runs.run(run))

    @translated
    def CancelRun(self, request: pb.CancelRunRequest, _context: Context) -> pb.CancelRunResponse:
        by = self._operator(request.actor)

        def work(db: sa.Connection) -> pb.CancelRunResponse:
            operations.cancel(db, request.id, by)
            return pb.CancelRunResponse(run=convert_runs.run(run_pages.by_id(db, request.id, sight=by.sight)))

        return self._change(work)

    @translated_stream
    def ReadRunLogs(
        self, request: pb.ReadRunLogsRequest, _context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[pb.ReadRunLogsResponse]:
        refuse_nul(request)
        return streams.read_run_logs(
            self._database,
            self._clock,
            self._wait_for_change,
            run_id=request.run_id,
            stream=request.stream,
            follow=request.follow,
            sight=caller().sees,
        )

    # -------------------------------------------------------------------------------------------- agents and events

    @translated
    def ListAgents(self, _request: pb.ListAgentsRequest, _context: Context) -> pb.ListAgentsResponse:
        show = self._presenter()
        found = self._database.read(agents.all_agents)
        alive_since = show.alive_since()
        return pb.ListAgentsResponse(
            agents=[convert_runs.agent(agent, alive_since=alive_since) for agent in found]
        )

    @translated_stream
    def WatchEvents(
        self, request: pb.WatchEventsRequest, _context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[pb.WatchEventsResponse]:
        return streams.watch_events(
            self._database,
            self._wait_for_change,
            after=request.after_event_id,
            audit=caller().may(Role.ADMIN),
        )

    @translated
    def ListEvents(self, request: pb.ListEventsRequest, _context: Context) -> pb.ListEventsResponse:
        limit, before = convert.page_size(request.page_size), convert_access.event_key(request.page_token)
        found, following = self._database.read(
            lambda db: events.page(
                db,
                kind=request.kind,
                actor=request.actor,
                subject=request.subject,
                engine=request.include_engine,
                before=before,
                limit=limit,
            )
        )
        return pb.ListEventsResponse(
            events=[convert_access.event(each) for each in found],
            next_page_token=convert.page_token([following] if following else None),
        )

    # -------------------------------------------------------------------------------------------- tokens

    @translated
    def CreateToken(self, request: pb.CreateTokenRequest, _context: Context) -> pb.CreateTokenResponse:
        by = self._operator()
        wanted = convert_access.new_token(request)
        token, text = self._database.write(lambda db: issuing.issue(db, wanted, by))
        return pb.CreateTokenResponse(token=convert_access.token(token), text=text)

    @translated
    def ListTokens(self, request: pb.ListTokensRequest, _context: Context) -> pb.ListTokensResponse:
        limit, after = convert.page_size(request.page_size), convert_access.token_key(request.page_token)
        found, following = self._database.read(lambda db: tokens.page(db, after=after, limit=limit))
        return pb.ListTokensResponse(
            tokens=[convert_access.token(each) for each in found],
            next_page_token=convert.page_token(list(following) if following else None),
        )

    @translated
    def RevokeToken(self, request: pb.RevokeTokenRequest, _context: Context) -> pb.RevokeTokenResponse:
        by = self._operator()
        token = self._database.write(lambda db: issuing.revoke(db, request.name, by))
        return pb.RevokeTokenResponse(token=convert_access.token(token))

    # -------------------------------------------------------------------------------------------- what they share

    def _look(self, work: Work[T]) -> T:
        """A read in which the conditions of slots are worked out."""
        return self._database.read(work, scratch=True)

    def _change(self, work: Work[T]) -> T:
        answer = self._database.write(work)
        self._wake_engine()
        return answer

    def _presenter(self) -> Presenter:
        """What the caller sees. To be asked in the call's own thread, like ``_operator``."""
        return Presenter(clock=self._clock, settings=self._settings, sight=caller().sees)

    def _operator(self, said: str = "") -> Operator:
        """Who asks is what the credential says; on whose behalf, what the request says.

        To be asked in the call's own thread, not in the one that writes: there it is nobody's.
        """
        on_behalf = said[:SAID_CHARACTERS_MAX]
        return Operator(
            name=" for ".join(filter(None, (caller().name, on_behalf))),
            now=self._clock.now(),
            sight=caller().sees,
        )


def _check_names(db: sa.Connection, *, definition: str, account: str, sight: Sight) -> None:
    """Raises NotFoundError: a misspelt filter must not look like an empty answer."""
    if definition:
        definition_pages.named(db, definition)
    if account:
        members.account(db, account, sight=sight)
