// Starts GraphiQL with what the server put into #page-data: the token, the tabs and a style nonce.
"use strict";

(function () {
  const data = JSON.parse(document.getElementById("page-data").textContent);
  const root = document.getElementById("graphiql");
  const { React, ReactDOM, GraphiQL, GraphiQLPluginExplorer } = window;

  if (!React || !ReactDOM || !GraphiQL || !GraphiQLPluginExplorer) {
    root.firstElementChild.textContent = data.whenMissing;
    return;
  }
  // GraphiQL's dialogs add one <style> element; this is how they learn the nonce that allows it.
  window.__webpack_nonce__ = data.nonce;

  function newKey() {
    const bytes = crypto.getRandomValues(new Uint8Array(8));
    return "graphiql-" + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  // What is typed into the tabs is kept apart for each set of ready-made tabs: after the demo
  // workspace was made anew, yesterday's ids would only be in the way.
  const tabPrefix = "parley:" + data.fingerprint + ":";
  const tabKeys = ["tabState", "query", "variables", "headers", "operationName"].map(
    (name) => "graphiql:" + name,
  );
  const place = (key) => (tabKeys.includes(key) ? tabPrefix + key : key);
  const storage = {
    getItem: (key) => localStorage.getItem(place(key)),
    setItem: (key, value) => localStorage.setItem(place(key), value),
    removeItem: (key) => localStorage.removeItem(place(key)),
    clear: () => localStorage.clear(),
    get length() {
      return localStorage.length;
    },
  };

  function forgetOlderTabs() {
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith("parley:") && !key.startsWith(tabPrefix)) localStorage.removeItem(key);
    }
  }

  // GraphiQL's own defaultTabs leaves the first tab's variables out, so the tabs are stored for it.
  function storeReadyMadeTabs() {
    if (!data.tabs.length || storage.getItem("graphiql:tabState")) return;
    const key = newKey();
    const tabs = data.tabs.map((tab, index) => ({
      id: "ready-made-" + index,
      hash: null,
      title: tab.title,
      query: tab.query,
      variables: tab.variables.replaceAll(data.newKey, key),
      headers: null,
      operationName: tab.title,
      response: null,
    }));
    storage.setItem("graphiql:tabState", JSON.stringify({ tabs, activeTabIndex: 0 }));
    storage.setItem("graphiql:query", tabs[0].query);
    storage.setItem("graphiql:variables", tabs[0].variables);
  }

  forgetOlderTabs();
  storeReadyMadeTabs();

  const url = location.origin + location.pathname;
  const fetcher = GraphiQL.createFetcher({
    url,
    // Each subscription opens its own socket, with the headers editor as its connectionParams.
    subscriptionUrl: url.replace(/^http/, "ws"),
    enableIncrementalDelivery: false,
  });
  const headers = data.token ? { Authorization: "Bearer " + data.token } : {};
  const logo = React.createElement(
    GraphiQL.Logo,
    null,
    React.createElement("span", { className: "parley-logo" }, "Parley"),
  );
  ReactDOM.createRoot(root).render(
    React.createElement(
      GraphiQL,
      {
        fetcher,
        storage,
        defaultHeaders: JSON.stringify(headers, null, 2),
        defaultEditorToolsVisibility: "variables",
        plugins: [GraphiQLPluginExplorer.explorerPlugin()],
        // A bearer token is not written to the browser's storage.
        shouldPersistHeaders: false,
        showPersistHeadersSettings: false,
        inputValueDeprecation: true,
        schemaDescription: true,
      },
      logo,
    ),
  );
})();
