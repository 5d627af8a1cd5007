"""What the audit log keeps: of every mutation, whether and how."""

from collections.abc import Mapping

MAKING: Mapping[str, str] = {
    "createApiKey": "ApiKey",
    "createWorkspace": "Workspace",
    "inviteMember": "Invitation",
    "acceptInvitation": "Invitation",
    "createTeam": "Team",
    "createInbox": "CustomInbox",
    "createContact": "Contact",
    "importContacts": "ContactImport",
    "exportContacts": "ContactExport",
    "createTag": "Tag",
    "createCustomField": "CustomField",
    "createLifecycleStage": "LifecycleStage",
    "createClosingNoteCategory": "ClosingNoteCategory",
    "createSnippet": "Snippet",
    "createAiAgent": "AiAgent",
    "connectChannel": "Channel",
    "connectEmailChannel": "Channel",
}
"""The type of what each of these makes, or finds by a token."""

CHANGING = frozenset(
    {
        "revokeApiKey",
        "updateWorkspaceSettings",
        "tagConversations",
        "untagConversations",
        "updateMember",
        "removeMember",
        "leaveWorkspace",
        "revokeInvitation",
        "updateTeam",
        "deleteTeam",
        "updateInbox",
        "deleteInbox",
        "updateContact",
        "deleteContact",
        "mergeContacts",
        "tagContact",
        "untagContact",
        "blockContact",
        "unblockContact",
        "updateTag",
        "deleteTag",
        "updateCustomField",
        "deleteCustomField",
        "updateLifecycleStage",
        "deleteLifecycleStage",
        "updateClosingNoteCategory",
        "deleteClosingNoteCategory",
        "updateSnippet",
        "deleteSnippet",
        "updateAiAgent",
        "deleteAiAgent",
    }
)
"""What is done to something, which the first id of the input names."""

PERSONAL = frozenset(
    {
        "logIn",
        "logInWithCode",
        "logOut",
        "logOutEverywhere",
        "revokeSession",
        "changePassword",
        "resetPassword",
    }
)
"""What concerns a person's account: it is kept in every workspace of theirs."""

_HISTORY = "the conversation's own history says it, with actor and moment"
_PRIVATE = "it concerns nobody but the viewer"
_FLEETING = "it is never stored"
NOT_KEPT: Mapping[str, str] = {
    "sendMessage": _HISTORY,
    "retryMessage": _HISTORY,
    "scheduleMessage": _HISTORY,
    "cancelScheduledMessage": _HISTORY,
    "addComment": _HISTORY,
    "updateComment": _HISTORY,
    "deleteComment": _HISTORY,
    "createUpload": "what becomes of the file is in the history of what it belongs to",
    "deleteAttachment": _PRIVATE,
    "openConversation": _HISTORY,
    "assignConversation": _HISTORY,
    "unassignConversation": _HISTORY,
    "takeOverConversation": _HISTORY,
    "closeConversation": _HISTORY,
    "reopenConversation": _HISTORY,
    "snoozeConversation": _HISTORY,
    "unsnoozeConversation": _HISTORY,
    "openConversations": _HISTORY,
    "assignConversations": _HISTORY,
    "unassignConversations": _HISTORY,
    "closeConversations": _HISTORY,
    "snoozeConversations": _HISTORY,
    "unsnoozeConversations": _HISTORY,
    "saveDraft": _PRIVATE,
    "discardDraft": _PRIVATE,
    "archiveNotification": _PRIVATE,
    "unarchiveNotification": _PRIVATE,
    "archiveAllNotifications": _PRIVATE,
    "markConversationRead": _PRIVATE,
    "markConversationUnread": _PRIVATE,
    "markConversationsRead": _PRIVATE,
    "markConversationsUnread": _PRIVATE,
    "startTyping": _FLEETING,
    "stopTyping": _FLEETING,
    "setPresence": _FLEETING,
    "refreshSession": "the log-in that began the session is kept",
    "requestPasswordReset": "anybody may ask for one; what is chosen by it is kept",
}
"""Why these are kept only where they are refused."""

KEPT = frozenset(MAKING) | CHANGING | PERSONAL
"""What is kept where it is done."""
